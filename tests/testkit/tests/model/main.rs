//! Random operations on both ends, against a model that predicts every result: what an operation
//! returns, which frame is due, which events a frame may bring. A failing list is made short.

mod end;
mod operation;
mod wire;

use end::End;
use grpc_websocket_core::Instant;
use grpc_websocket_core::mux::Side;
use grpc_websocket_testkit::plan::CallPlan;
use operation::{Operation, operations};
use proptest::prelude::*;

/// Both ends, what is between them, and the time.
struct Model {
    ends: [End; 2],
    now: Instant,
}

impl Model {
    fn new() -> Self {
        Self {
            ends: [Side::Dialer, Side::Acceptor].map(End::new),
            now: Instant::EPOCH,
        }
    }

    fn apply(&mut self, operation: &Operation) {
        let (at, now) = (usize::from(operation.by_acceptor), self.now);
        let end = &mut self.ends[at];
        let Operation { call, number, .. } = *operation;
        match operation.kind {
            operation::Kind::Open => end.open(now, number),
            operation::Kind::Send => end.send(call, number),
            operation::Kind::HalfClose => end.half_close(call),
            operation::Kind::Consume => end.consume(call, number),
            operation::Kind::Reset => end.reset(call, number),
            operation::Kind::Refuse => end.refuse(call),
            operation::Kind::Release => end.release(call),
            operation::Kind::Deadline => end.set_deadline(now, call, number),
            operation::Kind::GoAway => end.go_away(),
            operation::Kind::Transmit => drop(end.transmit()),
            operation::Kind::Deliver => drop(self.deliver(at, usize::from(number))),
            operation::Kind::Tick => self.tick(u64::from(number)),
        }
        self.ends.iter().for_each(End::check);
    }

    /// An end reads at most so many bytes of what the other wrote.
    fn deliver(&mut self, to: usize, most: usize) -> bool {
        let now = self.now;
        let [one, other] = &mut self.ends;
        let (reader, writer) = if to == 0 { (one, other) } else { (other, one) };
        let Some(message) = writer.written.front_mut() else {
            return false;
        };
        let is_read = reader.read(now, message, most.max(1));
        if is_read {
            writer.written.pop_front();
        }
        true
    }

    fn tick(&mut self, micros: u64) {
        self.now = Instant::from_micros(self.now.as_micros() + micros);
        let now = self.now;
        self.ends.iter_mut().for_each(|end| end.expire(now));
    }

    /// Lets everything arrive that is under way, without anything new. Then both must agree.
    fn settle(&mut self) {
        let mut done = false;
        while !done {
            done = true;
            for at in 0..2 {
                self.ends[at].let_go();
                while self.ends[at].transmit() {
                    done = false;
                }
                while self.deliver(at, usize::MAX) {
                    done = false;
                }
            }
        }
        let [dialer, acceptor] = &self.ends;
        dialer.check();
        acceptor.check();
        dialer.agree(acceptor);
    }
}

/// The call with that id, of which both ends know what it will say.
fn plan_of(id: u32) -> CallPlan {
    let opener = if id % 2 == 1 {
        Side::Dialer
    } else {
        Side::Acceptor
    };
    CallPlan::new(opener, id as usize, &[5, 100, 64, 0], &[30, 0, 200])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_ends_do_what_the_model_says(operations in operations()) {
        let mut model = Model::new();
        for operation in &operations {
            model.apply(operation);
        }
        model.settle();
    }
}
