//! Ends that do not read.

use std::thread::sleep;
use std::time::Duration;

use grpc_websocket_hostile::grpc::{data, half_close, message};
use grpc_websocket_hostile::{Client, Settings, Target, grpc, handshake};

const MIB: usize = 1024 * 1024;

/// What the buffers of the system and those between the processes may take in all. The system
/// alone may give a socket 6 MiB in one direction and 4 MiB in the other.
const BUFFERS: usize = 48 * MIB;

/// A call by a client that does not read and has little room.
fn narrow_call(target: &Target, method: &str) -> Client {
    let mut client = Client::connect_narrow(target.address).upgraded(&handshake(method));
    client.send(&grpc::headers());
    client
}

/// The bytes taken until the client is blocked.
fn upload(target: &Target, client: &mut Client) -> usize {
    let chunk = data(&message(&[0; 60_000]));
    let taken = client.write_until_blocked(&chunk, Duration::from_secs(1), 512 * MIB);
    println!("{}: {taken} bytes taken", target.name);
    taken
}

#[test]
fn a_handler_that_does_not_read_blocks_its_client_and_keeps_its_call() {
    for target in Target::both_with(Settings::short()) {
        let mut client = target.call("Hold");
        assert!(upload(&target, &mut client) < BUFFERS);
        sleep(Duration::from_secs(4));
        assert_eq!(
            target.probe.live(),
            1,
            "a waiting client is not a silent one"
        );
    }
}

#[test]
fn a_client_that_goes_while_its_handler_does_not_read_is_found_out() {
    for target in Target::both_with(Settings::short()) {
        let mut client = target.call("Hold");
        upload(&target, &mut client);
        client.reset();
        target.assert_no_handlers(Duration::from_secs(6));
        target.assert_recovered();
    }
}

#[test]
fn a_client_that_does_not_read_stops_its_handler_which_ends_when_it_goes() {
    for target in Target::both() {
        let mut client = narrow_call(&target, "Download");
        client.send(&[data(&message(b"1000000")), half_close()].concat());
        sleep(Duration::from_secs(1));
        let sent = target.probe.sent();
        println!("{}: {sent} messages made", target.name);
        assert!(
            sent * 64 * 1024 < BUFFERS,
            "{}: {sent} messages",
            target.name
        );
        client.reset();
        target.assert_no_handlers(Duration::from_secs(3));
        target.assert_recovered();
    }
}

#[test]
fn an_echo_whose_client_does_not_read_blocks_it() {
    for target in Target::both() {
        let mut client = narrow_call(&target, "Bidi");
        assert!(upload(&target, &mut client) < BUFFERS);
        client.reset();
    }
}

#[test]
fn a_blocked_upload_behind_the_gateway_blocks_no_other() {
    let target = Target::gateway(Settings::default());
    let mut client = target.call("Hold");
    upload(&target, &mut client);
    target.assert_serves();
}

fn a_blocked_echo_is_cancelled(target: &Target) {
    let mut client = narrow_call(target, "Bidi");
    upload(target, &mut client);
    assert_eq!(target.probe.live(), 1);
    client.reset();
    target.assert_no_handlers(Duration::from_secs(3));
}

#[test]
fn a_blocked_echo_is_cancelled_when_its_client_goes() {
    a_blocked_echo_is_cancelled(&Target::in_process(Settings::default()));
}

#[test]
fn a_blocked_echo_behind_the_gateway_is_cancelled_when_its_client_goes() {
    a_blocked_echo_is_cancelled(&Target::gateway(Settings::default()));
}
