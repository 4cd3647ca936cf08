//! Writes inputs of the targets to begin a corpus with: the byte vectors of the protocols, and
//! attacks that take more frames than chance finds.

mod mux;
mod single;
mod ws;

use std::error::Error;
use std::fs;
use std::path::Path;

use grpc_websocket_vectors::{load, load_mux};

/// A target and an input of it.
type Seed = (&'static str, Vec<u8>);

fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args().nth(1).ok_or("usage: seeds DIRECTORY")?;
    let single = load()?.iter().flat_map(single::seeds).collect::<Vec<_>>();
    let mux = load_mux()?.iter().flat_map(mux::seeds).collect::<Vec<_>>();
    let seeds = [single, mux, mux::attacks(), ws::seeds()].concat();
    for (index, (target, input)) in seeds.iter().enumerate() {
        let directory = Path::new(&directory).join(target);
        fs::create_dir_all(&directory)?;
        fs::write(directory.join(format!("seed-{index:03}")), input)?;
    }
    Ok(())
}
