//! Every input of the corpus, and every input that once failed, keeps the promises.

use std::fs;
use std::path::{Path, PathBuf};

use grpc_websocket_fuzz_bodies::TARGETS;

/// The files of a directory in order, but for notes.
fn inputs(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut inputs: Vec<_> = paths.filter(|path| !path.ends_with("README.md")).collect();
    inputs.sort();
    inputs
}

fn fuzz(directory: &str, target: &str) -> PathBuf {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    fuzz.expect("the parent").join(directory).join(target)
}

#[test]
fn every_input_passes() {
    for &(target, run) in TARGETS {
        let corpus = inputs(&fuzz("corpus", target));
        assert!(!corpus.is_empty(), "{target} has no corpus");
        for path in corpus.iter().chain(&inputs(&fuzz("regressions", target))) {
            // Of a failure the output shows the last line, and so the input.
            println!("{}", path.display());
            run(&fs::read(path).expect("a readable file"));
        }
    }
}

/// A body without a target would be replayed but never fuzzed.
#[test]
fn every_body_has_a_target_and_every_target_a_body() {
    let targets = inputs(&fuzz("fuzz_targets", ""));
    let stems = targets.iter().filter_map(|path| path.file_stem()?.to_str());
    let names = TARGETS.iter().map(|&(name, _)| name);
    assert_eq!(stems.collect::<Vec<_>>(), names.collect::<Vec<_>>());
}

#[test]
fn the_empty_input_passes() {
    for &(_, run) in TARGETS {
        run(&[]);
    }
}
