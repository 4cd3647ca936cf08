//! Tells the linker where its scripts are.

fn main() {
    let here = env!("CARGO_MANIFEST_DIR");
    println!("cargo::rustc-link-search={here}");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    for script in ["memory.x", "device.x"] {
        println!("cargo::rerun-if-changed={script}");
    }
}
