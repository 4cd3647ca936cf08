//! Whatever bytes: those that fuzzing found, as messages of a peer and as its raw bytes. No device
//! panics, hangs or goes on for ever, and all its calls end.

use std::fs;
use std::path::PathBuf;

use crate::attack::Attack;
use crate::common::raw::{Raw, SETTINGS};

const TARGETS: [&str; 6] = [
    "corpus/mux_bytes",
    "corpus/mux_ops",
    "corpus/single_client",
    "corpus/single_server",
    "corpus/pair_chaos",
    "regressions/mux_bytes",
];

/// How the bytes become messages.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// They are one.
    Whole,
    /// Each has its length before it, as in the inputs of the targets.
    Prefixed,
    /// They are no messages, but the frames of RFC 6455.
    Frames,
}

fn inputs() -> Vec<(PathBuf, Vec<u8>)> {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let files = |target| fs::read_dir(fuzz.join(target)).unwrap();
    let paths = TARGETS
        .into_iter()
        .flat_map(files)
        .map(|file| file.unwrap().path());
    paths
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

async fn send(raw: &mut Raw, bytes: &[u8], cut: Cut, is_greeted: bool) {
    if is_greeted {
        raw.message(SETTINGS).await;
    }
    match cut {
        Cut::Whole => raw.message(bytes).await,
        Cut::Frames => raw.send(bytes).await,
        Cut::Prefixed => {
            let mut rest = bytes;
            while let Some((len, later)) = rest.split_first() {
                let len = usize::from(*len).min(later.len());
                raw.message(&later[..len]).await;
                rest = &later[len..];
            }
        }
    }
}

fn replay(attack: Attack, is_greeted: bool) {
    let inputs = inputs();
    assert!(inputs.len() > 100);
    for (_, bytes) in &inputs {
        for cut in [Cut::Whole, Cut::Prefixed, Cut::Frames] {
            let script = async |raw: &mut Raw| send(raw, bytes, cut, is_greeted).await;
            let _ = attack.server(script);
            let _ = attack.client(script);
        }
    }
}

#[test]
fn any_bytes_are_taken_by_devices_of_the_mux() {
    replay(Attack::MUX, true);
    replay(Attack::MUX.chunk(7), true);
    replay(Attack::MUX, false);
}

#[test]
fn any_bytes_are_taken_by_devices_of_one_call() {
    replay(Attack::SINGLE, false);
    replay(Attack::SINGLE.chunk(7), false);
}
