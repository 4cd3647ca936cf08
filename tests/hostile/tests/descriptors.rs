//! A gateway that runs out of file descriptors.

use std::time::Duration;

use grpc_websocket_hostile::{Target, eventually};

const DESCRIPTORS: u32 = 40;

#[test]
fn a_gateway_out_of_descriptors_serves_again_when_it_has_some() {
    let target = Target::gateway_with_descriptors(DESCRIPTORS);
    target.assert_serves();
    for _ in 0..3 {
        let crowd: Vec<_> = (0..100).map(|_| target.connect()).collect();
        let limit = usize::try_from(DESCRIPTORS).expect("a few");
        eventually("all descriptors are used", Duration::from_secs(5), || {
            target.process().descriptors() >= limit - 1
        });
        drop(crowd);
        target.assert_recovered();
    }
}
