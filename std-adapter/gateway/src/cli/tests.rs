//! What the command line accepts, and what it says of the rest.

use clap::CommandFactory as _;

use super::*;

fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from([&["gateway"], arguments].concat())
}

fn complaint(arguments: &[&str]) -> String {
    match parse(arguments).map(|cli| cli.upstreams()) {
        Err(error) => error.to_string(),
        Ok(upstreams) => upstreams.unwrap_err(),
    }
}

#[test]
fn the_command_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_flag_has_a_variable_named_after_it() {
    let command = Cli::command();
    let flags = command
        .get_arguments()
        .filter_map(|flag| Some((flag.get_long()?, flag.get_env())))
        .filter(|(name, _)| !["help", "version"].contains(name));
    for (name, variable) in flags {
        let expected = format!("GRPC_WEBSOCKET_{}", name.to_uppercase().replace('-', "_"));
        assert_eq!(variable.and_then(|name| name.to_str()), Some(&*expected));
    }
}

#[test]
fn origins_are_the_own_host_a_list_or_any() {
    assert!(matches!(
        parse(&[]).unwrap().origins(),
        AllowOrigin::SameHost
    ));
    for two in [
        &[
            "--allow-origin",
            "https://a.example",
            "--allow-origin",
            "http://b.example:81",
        ][..],
        &["--allow-origin", "https://a.example,http://b.example:81"],
    ] {
        let origins = parse(two).unwrap().origins();
        assert!(matches!(origins, AllowOrigin::List(list) if list.len() == 2));
    }
    let any = ["--allow-origin", "https://a.example", "--allow-origin", "*"];
    assert!(matches!(parse(&any).unwrap().origins(), AllowOrigin::Any));
    assert!(parse(&["--allow-origin", "a.example"]).is_err());
}

#[test]
fn upstreams_are_for_all_calls_or_for_those_of_a_name() {
    let cli = parse(&[
        "--upstream",
        "http://127.0.0.1:50051",
        "--upstream",
        "billing.v1=https://[::1]:443/,billing.v1.Invoices=unix:/run/a=b",
    ]);
    let upstreams = cli.unwrap().upstreams().unwrap();
    let upstreams: Vec<_> = upstreams
        .iter()
        .map(|(name, target)| (name.as_str(), target.to_string()))
        .collect();
    assert_eq!(
        upstreams,
        [
            ("", "http://127.0.0.1:50051".to_owned()),
            ("billing.v1", "https://[::1]:443".to_owned()),
            ("billing.v1.Invoices", "unix:/run/a=b".to_owned()),
        ]
    );
}

#[test]
fn what_is_no_upstream_is_told_how_to_write_one() {
    for wrong in [
        "127.0.0.1:50051",
        "localhost",
        "ftp://h",
        "http://",
        "http://h:1/path",
        "http://h:1?q",
        "http://user@h:1",
        "unix:relative",
        "=http://h:1",
        "a..b=http://h:1",
        "a/b=http://h:1",
        "",
    ] {
        let complaint = complaint(&["--upstream", wrong]);
        assert!(complaint.contains("--upstream"), "{wrong}: {complaint}");
        assert!(complaint.contains("write it as"), "{wrong}: {complaint}");
    }
}

#[test]
fn flags_that_need_each_other_say_so() {
    let lone_key = complaint(&["--tls-key", "k.pem"]);
    assert!(lone_key.contains("--tls-cert"), "{lone_key}");
    let lone_ca = complaint(&["--tls-client-ca", "ca.pem"]);
    assert!(lone_ca.contains("--tls-cert"), "{lone_ca}");
    let lone_cert = complaint(&["--upstream-cert", "c.pem"]);
    assert!(lone_cert.contains("--upstream-key"), "{lone_cert}");
    let plain = complaint(&["--upstream", "http://h:1", "--upstream-ca", "ca.pem"]);
    assert!(plain.contains("https://"), "{plain}");
}

#[test]
fn numbers_out_of_range_are_refused() {
    for arguments in [
        ["--grace", "-1"],
        ["--grace", "86401"],
        ["--keepalive-interval", "0"],
        ["--max-message-size", "4294967296"],
    ] {
        assert!(parse(&arguments).is_err(), "{arguments:?}");
    }
    assert_eq!(parse(&["--grace", "0"]).unwrap().grace(), Duration::ZERO);
}
