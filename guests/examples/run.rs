//! Runs a command of this machine in a guest whose clock counts instructions: `run KERNEL PROGRAM [ARGUMENTS…]`.
//!
//! Run it twice: the output and the number are the same, whatever else the machine does.

use anyhow::{Context, Result, bail};
use guests::{Engine, Image, Initramfs, Job, Machine, Message, Program, Silence, Stream, init, kernel};
use std::time::Duration;

const MEMORY_MIB: u32 = 512;
const PATIENCE: Duration = Duration::from_secs(300);

fn main() -> Result<()> {
    if init::is_asked_for() {
        init::main(|program: Program, port| program.run(port));
    }
    let mut words = std::env::args().skip(1);
    let (Some(name), Some(file)) = (words.next(), words.next()) else { bail!("run KERNEL PROGRAM [ARGUMENTS…]") };
    let file = std::fs::canonicalize(&file).with_context(|| format!("finding {file}"))?;

    let mut files = Initramfs::base();
    files.init()?;
    files.program(&file)?;
    let image = Image::new(kernel::resolve(Some(&name), &|| false)?, &files)?;
    let work = Program { file, arguments: words.collect(), environment: Vec::new() };
    let job = Job { work, modules: Vec::new(), entropy: vec![0; 64] };
    let machine = Machine { engine: Engine::Counted, memory: MEMORY_MIB, watch: None };
    let mut guest = image.start::<_, ()>(&job, Initramfs::default(), &machine)?;
    loop {
        match guest.next(PATIENCE, &|| false) {
            Ok(Message::Line { stream: Stream::Output, text }) => println!("{text}"),
            Ok(Message::Line { stream: Stream::Error, text }) => eprintln!("{text}"),
            Ok(Message::Exited { code, took }) => println!("exit code {code}, {} instructions", took.as_nanos()),
            Ok(Message::Done) => return Ok(()),
            Ok(Message::Broken { reason }) | Err(Silence::Lost(reason) | Silence::NotUp(reason)) => bail!(reason),
            Err(Silence::Stopped) => bail!("stopped"),
            Ok(_) => {}
        }
    }
}
