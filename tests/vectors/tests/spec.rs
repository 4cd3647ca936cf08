//! SPEC.md shows what the vectors have, and has every anchor that is cited.

use std::path::{Path, PathBuf};

use grpc_websocket_vectors::mux::{MuxVector, Step};
use grpc_websocket_vectors::notation::parse_bytes;
use grpc_websocket_vectors::{Input, load_mux};

const SPEC: &str = include_str!("../../../SPEC.md");

/// A row of the table of frames.
struct Row<'s> {
    frame: &'s str,
    vector: &'s str,
}

/// The rows of the section on vectors.
fn rows() -> Vec<Row<'static>> {
    let (_, section) = SPEC.split_once("<a id=\"vectors\">").expect("the section");
    let (section, _) = section.split_once("<a id=").expect("a section after it");
    let rows = section.lines().filter_map(|line| {
        let row = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let (frame, rest) = row.split_once("` | ")?;
        let (_, vector) = rest.split_once(" | ")?;
        Some(Row { frame, vector })
    });
    rows.collect()
}

/// Whether a frame arrives or is written.
fn has_frame(vector: &MuxVector, frame: &[u8]) -> bool {
    let arrives = |step: &Step| matches!(step, Step::Input(Input::Binary(bytes)) if bytes == frame);
    vector.steps.iter().any(arrives) || vector.writes.iter().any(|written| written == frame)
}

#[test]
fn frames_shown_are_those_of_the_vectors() {
    let vectors = load_mux().unwrap_or_else(|error| panic!("{error}"));
    let rows = rows();
    assert!(rows.len() >= 15, "the table is read");
    for Row {
        frame,
        vector: name,
    } in rows
    {
        let bytes = parse_bytes(frame).unwrap_or_else(|error| panic!("{frame}: {error}"));
        let vector = vectors.iter().find(|vector| vector.name == name);
        let vector = vector.unwrap_or_else(|| panic!("no vector is named \"{name}\""));
        assert!(has_frame(vector, &bytes), "{frame} is not in \"{name}\"");
    }
}

fn anchors() -> Vec<&'static str> {
    let ids = SPEC.split("<a id=\"").skip(1);
    ids.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn anchors_are_unique() {
    let mut anchors = anchors();
    anchors.sort_unstable();
    let all = anchors.len();
    anchors.dedup();
    assert!(all > 20, "the anchors are read");
    assert_eq!(anchors.len(), all);
}

/// All anchors that a text cites, behind `prefix`.
fn cited<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    let end = |rest: &str| {
        rest.find(|c: char| c != '-' && !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len())
    };
    let citations = text.split(prefix).skip(1);
    citations.map(|rest| &rest[..end(rest)]).collect()
}

/// The sources and pages below a folder.
fn texts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let extension = path.extension().and_then(|extension| extension.to_str());
        match (name, extension) {
            (Some("target" | "node_modules" | ".git"), _) => {}
            _ if path.is_dir() => texts(&path, found),
            (_, Some("rs" | "toml" | "md")) => found.push(path),
            _ => {}
        }
    }
}

#[test]
fn anchors_cited_are_there() {
    let anchors = anchors();
    let mut paths = Vec::new();
    texts(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")),
        &mut paths,
    );
    let mut count = 0;
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a text");
        // Built from two parts, so that this file cites nothing.
        let mut citations = cited(&text, concat!("SPEC.md", "#"));
        if path.ends_with("SPEC.md") {
            citations.extend(cited(&text, concat!("](", "#")));
        }
        for anchor in citations {
            count += 1;
            let path = path.display();
            assert!(anchors.contains(&anchor), "{path} cites #{anchor}");
        }
    }
    assert!(count > 50, "the citations are read");
}
