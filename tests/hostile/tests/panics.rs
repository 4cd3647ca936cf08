//! Handlers that panic.

use grpc_websocket_hostile::grpc::{data, half_close, message, unary};
use grpc_websocket_hostile::{Code, Target};

#[test]
fn a_panic_ends_its_call_and_no_other() {
    for (target, close) in Target::both().into_iter().zip([1011, 1000]) {
        let mut other = target.call("Bidi");
        for method in ["Panic", "PanicLater"] {
            let outcome = target.attack(method, &unary(b"hi"));
            println!("{method}: {outcome}");
            assert!(
                outcome.status().is_some_and(|status| status != Code::Ok),
                "{outcome}"
            );
            assert_eq!(outcome.close_code(), Some(close), "{outcome}");
        }
        other.send(&[data(&message(b"hi")), half_close()].concat());
        other
            .outcome()
            .assert("the other call", Some(Code::Ok), Some(1000));
        target.assert_recovered();
    }
}
