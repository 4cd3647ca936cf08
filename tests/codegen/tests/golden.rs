//! What is generated, against what is expected. `UPDATE_EXPECTED=1` writes what is generated there.

use std::path::Path;
use std::{env, fs};

use grpc_websocket_build::{Backend, configure};
use syn::Item;

const PACKAGES: [&str; 2] = ["golden.type.rs", "golden.v1.rs"];

/// Clients and servers, and what fields messages have. How these are encoded is the libraries', and much.
fn without_impls(items: Vec<Item>, is_stub: bool) -> Vec<Item> {
    let kept = items
        .into_iter()
        .filter(|item| is_stub || !matches!(item, Item::Impl(_)));
    let inner = kept.map(|item| match item {
        Item::Mod(mut module) => {
            let name = module.ident.to_string();
            let is_stub = name.ends_with("_client") || name.ends_with("_server");
            let inner = module.content.take();
            module.content = inner.map(|(brace, items)| (brace, without_impls(items, is_stub)));
            Item::Mod(module)
        }
        other => other,
    });
    inner.collect()
}

fn check(backend: Backend, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    configure()
        .backend(backend)
        .max_bytes(".", 16)
        .max_len(".", 4)
        .out_dir(folder.path())
        .include_file("protos.rs")
        .compile_protos(&["golden/v1/everything.proto"], &["proto"])
        .unwrap();
    for package in PACKAGES {
        let code = fs::read_to_string(folder.path().join(package)).unwrap();
        let mut file = syn::parse_file(&code).unwrap();
        file.items = without_impls(file.items, false);
        compare(
            &prettyplease::unparse(&file),
            &Path::new("expected").join(name).join(package),
        );
    }
    let includes = fs::read_to_string(folder.path().join("protos.rs")).unwrap();
    compare(
        &includes,
        &Path::new("expected").join(name).join("protos.rs"),
    );
}

fn compare(generated: &str, expected: &Path) {
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::create_dir_all(expected.parent().unwrap()).unwrap();
        fs::write(expected, generated).unwrap();
    }
    let text = fs::read_to_string(expected).unwrap_or_default();
    let mut lines = (1..).zip(generated.lines().zip(text.lines()));
    let other = lines.find(|(_, (generated, expected))| generated != expected);
    assert_eq!(other, None, "{}", expected.display());
    assert_eq!(generated.len(), text.len(), "{}", expected.display());
}

#[test]
fn with_micropb_it_is_what_is_expected() {
    check(Backend::Micropb, "micropb");
}

#[test]
fn with_prost_it_is_what_is_expected() {
    check(Backend::Prost, "prost");
}

#[test]
fn what_is_not_wanted_is_not_generated() {
    let folder = tempfile::tempdir().unwrap();
    configure()
        .build_server(false)
        .max_bytes(".", 16)
        .out_dir(folder.path())
        .compile_protos(&["proto/golden/type/reserved.proto"], &["proto"])
        .unwrap();
    let code = fs::read_to_string(folder.path().join("golden.type.rs")).unwrap();
    assert!(code.contains("mod crate_client") && !code.contains("mod crate_server"));
}
