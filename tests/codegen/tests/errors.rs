//! What a build script says when it cannot generate: where, what, and what to do.

use std::fs;
use std::path::Path;

use grpc_websocket_build::{Backend, Builder, configure};

/// What it says of a file.
fn error(builder: Builder, proto: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.proto"), proto).unwrap();
    let builder = builder.out_dir(folder.path());
    let error = builder
        .compile_protos(&["a.proto"], &[folder.path()])
        .unwrap_err();
    assert_eq!(format!("{error}"), format!("{error:?}"));
    let prefix = format!("{}/", folder.path().display());
    error.to_string().replace(&prefix, "")
}

fn message(fields: &str) -> String {
    format!("syntax = \"proto3\";\npackage p;\nmessage M {{\n{fields}\n}}\n")
}

#[test]
fn each_field_without_a_size_is_named() {
    let fields = "  string name = 1;\n  message In {\n    bytes data = 1;\n  }\n  repeated In ins = 2;\n  \
                  map<string, string> pairs = 3;\n  oneof one { string text = 4; }\n  repeated bytes many = 5;";
    let error = error(configure(), &message(fields));
    let lines: Vec<_> = error
        .lines()
        .filter(|line| !line.contains("help"))
        .collect();
    assert_eq!(
        lines,
        [
            "a.proto:4:3: `.p.M.name` is a string, and nothing says how many bytes it can have",
            "a.proto:6:5: `.p.M.In.data` is of bytes, and nothing says how many bytes it can have",
            "a.proto:8:3: `.p.M.ins` is repeated, and nothing says how many elements it can have",
            "a.proto:9:3: `.p.M.pairs` is a map of strings or bytes, and nothing says how many bytes it \
             can have",
            "a.proto:9:3: `.p.M.pairs` is a map, and nothing says how many elements it can have",
            "a.proto:10:15: `.p.M.text` is a string, and nothing says how many bytes it can have",
            "a.proto:11:3: `.p.M.many` is of bytes, and nothing says how many bytes it can have",
            "a.proto:11:3: `.p.M.many` is repeated, and nothing says how many elements it can have",
        ],
    );
    let help = "help: in the build script, .max_bytes(\".p.M.name\", 32), or .max_bytes(\".\", 32) for all";
    assert!(error.contains(help), "{error}");
}

#[test]
fn prost_needs_no_sizes() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.proto"), message("string name = 1;")).unwrap();
    let builder = configure().backend(Backend::Prost).out_dir(folder.path());
    builder
        .compile_protos(&["a.proto"], &[folder.path()])
        .unwrap();
}

#[test]
fn a_size_may_be_said_to_micropb_itself() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.proto"), message("string name = 1;")).unwrap();
    let builder = configure().out_dir(folder.path()).micropb(|generator| {
        let config = grpc_websocket_build::micropb_gen::Config::new().max_bytes(3);
        generator.configure(".p.M.name", config);
    });
    builder
        .compile_protos(&["a.proto"], &[folder.path()])
        .unwrap();
    let code = fs::read_to_string(folder.path().join("p.rs")).unwrap();
    assert!(code.contains("heapless::String<3>"));
}

#[test]
fn a_size_of_nothing_is_an_error() {
    let builder = configure()
        .max_bytes(".p.M.nmae", 3)
        .max_len(".q", 1)
        .max_bytes(".p.M.name", 3);
    assert_eq!(
        error(builder, &message("string name = 1;\nbool on = 2;")),
        "a.proto:3:1: `max_bytes(\".p.M.nmae\", 3)`: nothing in the .proto files has that path\n  \
         help: the fields of `.p.M` are: name, on\n\
         `max_len(\".q\", 1)`: nothing in the .proto files has that path\n  \
         help: a path is `.package`, `.package.Message` or `.package.Message.field`",
    );
}

#[test]
fn a_map_holds_a_power_of_two() {
    let builder = configure().max_bytes(".", 3).max_len(".p.M", 3);
    assert_eq!(
        error(builder, &message("map<int32, int32> map = 1;")),
        "a.proto:4:1: `.p.M.map` is a map, and 3 is no power of two\n  help: .max_len(\".p.M.map\", 4)",
    );
}

#[test]
fn names_that_are_the_same_in_rust_are_errors() {
    let service = "service S {\n  rpc GetIt(M) returns (M);\n  rpc get_it(M) returns (M);\n}\n";
    assert_eq!(
        error(configure(), &(message("") + service)),
        "a.proto:8:3: `get_it` has the same name in Rust as another one before it\n  \
         help: rename one of them",
    );
    let services = "service Ab {}\nservice ab {}\n";
    let error = error(configure(), &(message("") + services));
    assert!(
        error.starts_with("a.proto:7:1: `ab` has the same name"),
        "{error}"
    );
}

#[test]
fn a_small_message_is_an_error_of_micropb() {
    assert_eq!(
        error(configure(), "syntax = \"proto3\";\nmessage m {}\n"),
        "a.proto:2:1: `.m` begins with a small letter\n  \
         help: rename it; or messages on the heap, .backend(Backend::Prost)",
    );
}

#[test]
fn what_micropb_cannot_do_is_named() {
    let proto = "syntax = \"proto2\";\npackage p;\nmessage M {\n  optional group G = 1 {}\n}\n";
    let error = error(configure(), proto);
    assert!(
        error.starts_with("a.proto:4:3: (.p.M.g) Group fields are unsupported"),
        "{error}"
    );
}

#[test]
fn a_syntax_error_has_its_place() {
    let error = error(
        configure(),
        "syntax = \"proto3\";\nmessage M {\n  strin name = 1;\n}\n",
    );
    assert!(error.starts_with("a.proto:3:3: "), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_an_error() {
    let compile = |protos: &[&str], folder: &Path| {
        let error = configure()
            .out_dir(folder)
            .compile_protos(protos, &["proto", "tests"]);
        error.unwrap_err().to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let error = compile(&["golden/nothing.proto"], folder.path());
    assert!(error.contains("golden/nothing.proto"), "{error}");
    assert!(
        error.contains("below one of the folders proto, tests"),
        "{error}"
    );
    let imports = "syntax = \"proto3\";\nimport \"b.proto\";\n";
    let error = self::error(configure(), imports);
    assert!(
        error.starts_with("a.proto:2:1: import 'b.proto' not found"),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let error = configure()
        .compile_protos(&["a.proto"], &["nowhere"])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`nowhere` is no folder\n  help: name the folders of the .proto files from where Cargo.toml is",
    );
}

#[test]
fn a_type_from_elsewhere_has_paths() {
    let builder = configure().extern_path("p.M", "::other::M");
    let error = error(builder, &message(""));
    assert!(
        error.starts_with("`extern_path(\"p.M\", \"::other::M\")`: not paths"),
        "{error}"
    );
}
