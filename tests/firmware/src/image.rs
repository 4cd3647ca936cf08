//! Builds the images.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The target of all images.
const TARGET: &str = "thumbv7em-none-eabihf";

/// What an image is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// To be watched: it logs, and has all features.
    Logging,
    /// To be shipped, and measured: it does not log, and has these features, with commas.
    Silent(&'static str),
}

/// Builds an image, and returns its file. The next build writes to the same one.
///
/// # Panics
///
/// If it cannot be built.
pub fn build(name: &str, build: Build) -> PathBuf {
    run_cargo(&["--bin", name], build).join(name)
}

/// The image of this name for tests, all of which are built the first time.
pub(crate) fn logging(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| run_cargo(&["--bins"], Build::Logging));
    let image = folder.join(name);
    assert!(image.is_file(), "there is no image {name}");
    image
}

/// Builds images, and returns their folder.
fn run_cargo(what: &[&str], build: Build) -> PathBuf {
    let target = target();
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--locked", "--release"])
        .args(what)
        .current_dir(firmware())
        .arg("--config")
        .arg(same_everywhere())
        .env("CARGO_TARGET_DIR", &target)
        // It would replace all flags that are configured.
        .env_remove("RUSTFLAGS");
    if let Build::Silent(features) = build {
        cargo.args(["--no-default-features", "--features", features]);
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the images cannot be built");
    target.join(TARGET).join("release")
}

/// The folder of the images' sources.
pub(crate) fn firmware() -> PathBuf {
    root().join("examples/firmware-mps2")
}

/// A folder of its own in the usual one, for cargo locks a folder while it works there.
fn target() -> PathBuf {
    let usual = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(usual).join("firmware")
}

/// Flags beside those of the images' folder, that keep the folders of this machine out of the images,
/// whose size would depend on them.
fn same_everywhere() -> String {
    let home = env::home_dir().unwrap_or_default().join(".cargo");
    let cargo = env::var_os("CARGO_HOME").map_or(home, PathBuf::from);
    let remap = |folder: &Path, name| format!("--remap-path-prefix={}={name}", folder.display());
    let flags = [remap(&cargo, "cargo"), remap(root(), "project")];
    format!("target.{TARGET}.rustflags={flags:?}")
}

fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this is tests/firmware")
}
