// Replaces each drawing of samples by one that can be zoomed into. Without this script the drawing stays.
const marks = shape => (chart, series, first, last) => {
  const fill = new Path2D();
  const size = devicePixelRatio;
  for (let index = first; index <= last; index++) {
    const value = chart.data[series][index];
    if (value == null) continue;
    const x = chart.valToPos(chart.data[0][index], 'x', true), y = chart.valToPos(value, 'y', true);
    shape.forEach(([right, down], corner) => fill[corner ? 'lineTo' : 'moveTo'](x + right * size, y + down * size));
    fill.closePath();
  }
  return { fill, stroke: null, clip: null, flags: 3 };
};
for (const figure of document.querySelectorAll('figure[data-zoom]')) {
  const { pass, unit, lines } = JSON.parse(figure.querySelector('script').textContent);
  const plot = figure.querySelector('.plot');
  const whole = [1, Math.max(...lines.flatMap(line => line.at.map(at => Math.floor(at) + 1)))];
  const data = uPlot.join(lines.map(line => [line.at, line.value]));
  const rounded = value => value == null ? '–' : Number(value.toPrecision(3)).toLocaleString('en');
  const told = figure.querySelector('output');
  const tell = ({ cursor: { idx } }) => {
    const there = idx == null ? [] : lines.flatMap((line, place) => {
      const value = data[place + 1][idx];
      return value == null ? [] : [`${line.name}, ${pass} ${Math.floor(data[0][idx])}: ${rounded(value)} ${unit}`];
    });
    told.textContent = there.join('; ');
  };
  let drawn;
  const draw = () => {
    const style = getComputedStyle(document.body);
    const [ink, faint] = [style.color, style.getPropertyValue('--line')];
    const axis = { stroke: ink, grid: { stroke: faint, width: 1 }, ticks: { stroke: faint, width: 1 } };
    drawn?.destroy();
    drawn = new uPlot({
      width: plot.clientWidth, height: 340,
      cursor: { drag: { x: true, y: false } },
      legend: { show: false },
      hooks: { setCursor: [tell] },
      scales: { x: { time: false, range: (_, low, high) => drawn ? [low, high] : whole }, y: { distr: 3 } },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(tick => Number.isInteger(tick) ? `${pass} ${tick}` : '') },
        { ...axis, size: 62, values: (_, ticks) => ticks.map(tick => tick == null ? '' : rounded(tick)) },
      ],
      series: [
        {},
        ...lines.map(line => ({
          stroke: line.colour, paths: () => null,
          points: { show: true, size: 5, width: 0, fill: line.colour, paths: marks(line.shape) },
        })),
      ],
    }, data, plot);
  };
  const show = (low, high) => {
    const width = Math.min(high - low, whole[1] - whole[0]);
    const from = Math.min(Math.max(low, whole[0]), whole[1] - width);
    drawn.setScale('x', { min: from, max: from + width });
  };
  const moves = {
    in: (low, high) => show(low + (high - low) / 4, high - (high - low) / 4),
    out: (low, high) => show(low - (high - low) / 2, high + (high - low) / 2),
    left: (low, high) => show(low - (high - low) / 2, high - (high - low) / 2),
    right: (low, high) => show(low + (high - low) / 2, high + (high - low) / 2),
    all: () => show(...whole),
  };
  figure.classList.add('zoomed');
  draw();
  for (const button of figure.querySelectorAll('button'))
    button.addEventListener('click', () => moves[button.dataset.move](drawn.scales.x.min, drawn.scales.x.max));
  new ResizeObserver(() => { if (plot.clientWidth && plot.clientWidth != drawn.width) drawn.setSize({ width: plot.clientWidth, height: 340 }); }).observe(plot);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}
