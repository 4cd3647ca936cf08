//! The header block, and what it says.

use std::time::Duration;

use grpc_websocket_hostile::grpc::{BLOCK, data, half_close, message};
use grpc_websocket_hostile::{Client, Code, Frame, Handshake, Outcome, Target};

/// What comes of a `Unary` call whose header block is `block`.
fn call_with(target: &Target, block: &[u8]) -> Outcome {
    let frames = [
        Frame::binary(block).encode(),
        data(&message(b"hi")),
        half_close(),
    ];
    target.attack("Unary", &frames.concat())
}

/// A good block with more lines.
fn block_and(lines: &[u8]) -> Vec<u8> {
    [BLOCK.as_bytes(), lines].concat()
}

#[test]
fn a_malformed_block_ends_its_call_with_internal() {
    for target in Target::both() {
        for lines in [
            &b"no colon\r\n"[..],
            b"no-colon",
            b": no name\r\n",
            b"x y: space in the name\r\n",
            b"x(: delimiter in the name\r\n",
            b"x\0: NUL in the name\r\n",
            b"x\r: CR in the name\r\n",
            b"x\xc3\xa9: not ASCII\r\n",
            b"\xff\xfe\xfd\r\n",
            b"x: a\r\n folded\r\n",
            b"x: a\r\n\tfolded\r\n",
            b"\rx: 1\r\n",
            b"\0",
        ] {
            let outcome = call_with(&target, &block_and(lines));
            outcome.assert(
                &lines.escape_ascii().to_string(),
                Some(Code::Internal),
                Some(1002),
            );
        }
        target.assert_recovered();
        assert_eq!(
            target.probe.begun(),
            1,
            "only the honest call has a handler"
        );
    }
}

#[test]
fn a_value_that_grpc_does_not_allow_is_dropped_and_forges_no_field() {
    for target in Target::both() {
        for lines in [
            &b"x: NUL \0 inside\r\n"[..],
            b"x: CR \r inside\r\n",
            b"x: caf\xc3\xa9\r\n",
            b"x: \x7f\r\n",
            b"x: a\rgrpc-timeout: soon\r\n",
            b"host: elsewhere\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
            b":path: /elsewhere\r\n:authority: elsewhere\r\n",
            b"sec-websocket-key: x\r\nconnection: close\r\nupgrade: h2c\r\n",
        ] {
            let outcome = call_with(&target, &block_and(lines));
            outcome.assert(
                &lines.escape_ascii().to_string(),
                Some(Code::Ok),
                Some(1000),
            );
        }
        target.assert_recovered();
    }
}

#[test]
fn a_block_without_a_grpc_content_type_is_an_invalid_argument() {
    for target in Target::both() {
        for block in [
            &b""[..],
            b"\r\n\r\n\n",
            b"x-grpc-web: 1\r\n",
            b"content-type:\r\n",
            b"content-type: text/html\r\n",
            b"content-type: application/grpc-web-text\r\n",
            b"content-type: application/grpcx\r\n",
            b"content-type: application/grpc\xff\r\n",
        ] {
            let outcome = call_with(&target, block);
            let case = block.escape_ascii().to_string();
            outcome.assert(&case, Some(Code::InvalidArgument), Some(1000));
        }
        target.assert_recovered();
    }
}

#[test]
fn binary_metadata_that_is_not_base64_ends_its_call_only() {
    for target in Target::both() {
        let mut other = target.call("Bidi");
        for value in ["A", "AAE*", "AAEC, *", "AAED==", "====", "_-_-"] {
            let outcome = call_with(
                &target,
                &block_and(format!("x-bin: {value}\r\n").as_bytes()),
            );
            outcome.assert(value, Some(Code::Internal), Some(1000));
        }
        let details = call_with(&target, &block_and(b"grpc-status-details-bin: %%%\r\n"));
        details.assert("details", Some(Code::Internal), Some(1000));
        other.send(&[data(&message(b"still here")), half_close()].concat());
        let outcome = other.outcome();
        outcome.assert("the other call", Some(Code::Ok), Some(1000));
        assert_eq!(outcome.messages, [b"still here"]);
        target.assert_recovered();
    }
}

#[test]
fn a_malformed_timeout_ends_its_call() {
    for target in Target::both() {
        for value in [
            "soon",
            "",
            "1",
            "S",
            "-1S",
            "1.5S",
            "123456789S",
            "1 S",
            "1s",
        ] {
            let line = format!("grpc-timeout: {value}\r\n");
            let outcome = call_with(&target, &block_and(line.as_bytes()));
            outcome.assert(&line, Some(Code::Internal), Some(1000));
        }
        target.assert_recovered();
    }
}

#[test]
fn the_extremes_of_a_timeout_are_kept() {
    for target in Target::both() {
        let far = call_with(&target, &block_and(b"grpc-timeout: 99999999H\r\n"));
        far.assert("longest", Some(Code::Ok), Some(1000));
        for value in ["0S", "1n", "1m"] {
            let block = block_and(format!("grpc-timeout: {value}\r\n").as_bytes());
            let outcome = target.attack("Hold", &Frame::binary(block).encode());
            outcome.assert(value, Some(Code::DeadlineExceeded), Some(1000));
            assert!(outcome.took < Duration::from_secs(2), "{outcome}");
        }
        target.assert_recovered();
    }
}

/// A block that counts `len` bytes by HTTP/2's measure: name + value + 32 for each field.
fn block_of(len: usize) -> Vec<u8> {
    let base = BLOCK.len() + 2 * 28;
    let value = "v".repeat(len - base - "x: \r\n".len() - 28);
    block_and(format!("x: {value}\r\n").as_bytes())
}

#[test]
fn the_limit_of_the_block_is_exact() {
    for target in Target::both() {
        let at = call_with(&target, &block_of(8 * 1024));
        at.assert("8 KiB", Some(Code::Ok), Some(1000));
        let over = call_with(&target, &block_of(8 * 1024 + 1));
        over.assert("8 KiB + 1", Some(Code::ResourceExhausted), Some(1009));
        let many = "a:\n".repeat(300);
        let over = call_with(&target, &block_and(many.as_bytes()));
        over.assert("300 fields", Some(Code::ResourceExhausted), Some(1009));
        target.assert_recovered();
    }
}

#[test]
fn an_endless_block_in_fragments_is_cut_off() {
    for target in Target::both() {
        let mut client = target.open("Unary");
        client.send(&Frame::binary(BLOCK).unfinished().encode());
        let fragment = Frame::continuation("x: 1\r\n").unfinished().encode();
        let (outcome, taken) = client.flood(&fragment.repeat(1000), 1000, &[]);
        outcome.assert("endless block", Some(Code::ResourceExhausted), Some(1009));
        println!("{taken} bytes taken");
        target.assert_recovered();
    }
}

/// What comes of an honest `Unary` exchange on any path: the HTTP status, or the call's outcome.
fn call_on(target: &Target, path: &[u8]) -> Result<Outcome, u16> {
    let mut client = Client::connect(target.address);
    client.send(&Handshake::new(path).encode());
    let head = client.head().ok_or(0_u16)?;
    if head.status != 101 {
        return Err(head.status);
    }
    client.send(&grpc_websocket_hostile::grpc::unary(b"hi"));
    Ok(client.outcome())
}

#[test]
fn a_path_that_names_no_method_is_unimplemented() {
    for target in Target::both() {
        for path in [
            "/",
            "/a",
            "/a/b/c",
            "//",
            "/hostile.v1.Hostile/None",
            "/hostile.v1.Hostile/Unary/",
            "/hostile.v1.Hostile%2fUnary",
            "/%68ostile.v1.Hostile/Unary",
            "/../hostile.v1.Hostile/Unary",
            "/%00/%ff",
            "/x?/hostile.v1.Hostile/Unary",
            "no-slash",
        ] {
            let outcome = call_on(&target, path.as_bytes()).expect("a WebSocket");
            outcome.assert(path, Some(Code::Unimplemented), Some(1000));
        }
        target.assert_recovered();
    }
}

#[test]
fn a_path_that_http_does_not_allow_is_a_bad_request() {
    for target in Target::both() {
        for path in [&b"/a b"[..], b"/\0", b"/a\x7f", b"", b"/\xff\xfe"] {
            let status = call_on(&target, path).map(|outcome| outcome.to_string());
            println!("{}: {status:?}", path.escape_ascii());
            assert_eq!(status.expect_err("no WebSocket"), 400);
        }
        target.assert_recovered();
    }
}

#[test]
fn a_path_of_60_kb_ends_its_call() {
    // The gateway's upstream answers it with HTTP's 431.
    let expected = [Code::Unimplemented, Code::Internal];
    for (target, status) in Target::both().into_iter().zip(expected) {
        let path = format!("/{}", "p".repeat(60_000));
        let outcome = call_on(&target, path.as_bytes()).expect("a WebSocket");
        outcome.assert(target.name, Some(status), Some(1000));
        target.assert_recovered();
    }
}
