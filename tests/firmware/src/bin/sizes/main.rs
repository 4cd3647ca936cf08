//! Measures the images, and compares that with `examples/firmware-mps2/SIZES.md` or writes it
//! there. `tests/firmware/sizes` runs it.

mod elf;
mod partner;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use grpc_websocket_firmware_tests::{Build, build};

use self::elf::Image;
use self::partner::{Partner, Run};

/// How many bytes an image may be larger or smaller than it says: the order in which the linker has
/// functions, and with it their alignment, depends on the folder that they are built in.
const TOLERANCE: u64 = 32;

/// What is measured.
struct Row {
    name: &'static str,
    /// What is compiled in.
    features: &'static str,
    /// The image that it is compared with.
    base: Option<&'static str>,
    /// Who it talks to when it runs.
    partner: Partner,
}

const ROWS: &[Row] = &[
    Row {
        name: "echo-client",
        features: "",
        base: None,
        partner: Partner::EchoServer,
    },
    Row {
        name: "echo",
        features: "",
        base: None,
        partner: Partner::EchoClient,
    },
    Row {
        name: "unary",
        features: "single-client",
        base: Some("echo-client"),
        partner: Partner::Unary("single"),
    },
    Row {
        name: "unary",
        features: "mux-client",
        base: Some("echo-client"),
        partner: Partner::Unary("mux"),
    },
    Row {
        name: "unary",
        features: "mux",
        base: Some("echo-client"),
        partner: Partner::Unary("mux"),
    },
    Row {
        name: "sensor",
        features: "mux-client",
        base: Some("echo-client"),
        partner: Partner::Server,
    },
    Row {
        name: "sensor-tls",
        features: "mux-client,tls",
        base: Some("sensor"),
        partner: Partner::TlsServer,
    },
    Row {
        name: "nat-device",
        features: "mux",
        base: Some("echo-client"),
        partner: Partner::Caller,
    },
    Row {
        name: "thermostat",
        features: "mux,single-server",
        base: Some("echo"),
        partner: Partner::Client,
    },
];

#[tokio::main]
async fn main() -> ExitCode {
    let update = match env::args().nth(1).as_deref() {
        None => false,
        Some("--update") => true,
        Some(_) => {
            eprintln!("usage: tests/firmware/sizes [--update]");
            return ExitCode::FAILURE;
        }
    };
    let images = images();
    let exact = table::exact(&images);
    if update {
        let measured = table::measured(&runs().await);
        fs::write(file(), exact + &measured).expect("SIZES.md is written");
        return ExitCode::SUCCESS;
    }
    let written = fs::read_to_string(file()).expect("SIZES.md is there");
    if is_near(&exact, &written) {
        return ExitCode::SUCCESS;
    }
    eprintln!("{exact}");
    eprintln!(
        "examples/firmware-mps2/SIZES.md is not true any more: run tests/firmware/sizes --update"
    );
    ExitCode::FAILURE
}

/// Whether a text begins with another, but for numbers that differ a little.
fn is_near(measured: &str, written: &str) -> bool {
    let mut words = written.split_whitespace();
    measured.split_whitespace().all(|word| {
        let other = words.next().unwrap_or_default();
        let difference = |(a, b): (i64, i64)| a.abs_diff(b);
        let numbers = word.parse().ok().zip(other.parse().ok());
        word == other
            || numbers
                .map(difference)
                .is_some_and(|bytes| bytes <= TOLERANCE)
    })
}

/// The images as they would be shipped.
fn images() -> Vec<(&'static Row, Image)> {
    let image = |row: &'static Row| {
        let file = build(row.name, Build::Silent(row.features));
        (row, Image::read(&file))
    };
    ROWS.iter().map(image).collect()
}

/// The images with their logs, while they run.
async fn runs() -> Vec<(&'static Row, Run)> {
    let mut runs = Vec::new();
    for row in ROWS {
        runs.push((row, row.partner.run(row.name).await));
    }
    runs
}

fn file() -> PathBuf {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    PathBuf::from(root).join("examples/firmware-mps2/SIZES.md")
}
