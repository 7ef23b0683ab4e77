//! How a line looks: its colour, the shape of its markers, its dashes.

use lab_core::vocabulary::BackendName;
use plotters::style::RGBColor;

/// A backend's colour: of middling lightness, to be told from paper and from black, also by the colour-blind.
pub(super) fn colour(backend: BackendName) -> RGBColor {
    match backend {
        BackendName::Direct => RGBColor(128, 134, 140),
        BackendName::IptablesLegacy => RGBColor(213, 94, 0),
        BackendName::IptablesNft => RGBColor(204, 101, 157),
        BackendName::Ipvs => RGBColor(0, 158, 115),
        BackendName::Nftables => RGBColor(34, 136, 211),
    }
}

/// The corners of a backend's marker: a shape of its own, for those whom colours do not tell apart.
pub(super) fn shape(backend: BackendName) -> &'static [(i32, i32)] {
    match backend {
        BackendName::Direct => &[(-4, -2), (-2, -4), (2, -4), (4, -2), (4, 2), (2, 4), (-2, 4), (-4, 2)],
        BackendName::IptablesLegacy => &[(0, -6), (5, 4), (-5, 4)],
        BackendName::IptablesNft => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        BackendName::Ipvs => &[(0, 6), (5, -4), (-5, -4)],
        BackendName::Nftables => &[(0, -6), (6, 0), (0, 6), (-6, 0)],
    }
}

/// The dashes of the line that is the `place`th of its backend, as lengths of line and gap; `None` for a solid one.
pub(super) fn dash(place: usize) -> Option<(i32, i32)> {
    const DASHES: [Option<(i32, i32)>; 5] = [None, Some((7, 3)), Some((2, 3)), Some((12, 3)), Some((4, 6))];
    DASHES[place % DASHES.len()]
}
