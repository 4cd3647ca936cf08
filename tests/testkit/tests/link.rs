//! The simulated link does what a network does.

use core::time::Duration;
use grpc_websocket_core::Instant;
use grpc_websocket_testkit::clock::after;
use grpc_websocket_testkit::link::{Arrival, Fault, Link, Pipe, PipeConfig};

const LATENCY: Duration = Duration::from_millis(10);

const CONFIG: PipeConfig = PipeConfig {
    latency: LATENCY,
    bytes_per_second: None,
    capacity: 100,
};

fn at(millis: u64) -> Instant {
    after(Instant::EPOCH, Duration::from_millis(millis))
}

fn read(pipe: &mut Pipe, now: Instant, most: usize) -> Option<(Vec<u8>, Arrival)> {
    let mut buffer = vec![0; most];
    let arrival = pipe.read(now, &mut buffer)?;
    if let Arrival::Bytes { len, .. } = arrival {
        buffer.truncate(len);
    }
    Some((buffer, arrival))
}

#[test]
fn messages_arrive_in_order_after_the_latency_cut_as_the_reader_likes() {
    let mut pipe = Pipe::new(CONFIG);
    assert_eq!(pipe.write(at(0), b"hello", true), 5);
    assert_eq!(pipe.write(at(1), b"", true), 0);
    pipe.close(at(1), 1000);
    assert_eq!(pipe.next_arrival(), Some(at(10)));
    assert_eq!(read(&mut pipe, at(9), 9), None);
    let bytes = |len, fin| Arrival::Bytes { len, fin };
    assert_eq!(
        read(&mut pipe, at(10), 3),
        Some((b"hel".to_vec(), bytes(3, false)))
    );
    assert_eq!(
        read(&mut pipe, at(10), 9),
        Some((b"lo".to_vec(), bytes(2, true)))
    );
    assert_eq!(read(&mut pipe, at(10), 9), None);
    assert_eq!(
        read(&mut pipe, at(11), 9),
        Some((Vec::new(), bytes(0, true)))
    );
    let (_, close) = read(&mut pipe, at(11), 9).expect("the Close");
    assert_eq!(close, Arrival::Close(1000));
    assert!(pipe.is_empty());
}

#[test]
fn a_full_pipe_takes_no_more_until_it_is_read() {
    let mut pipe = Pipe::new(CONFIG);
    assert_eq!(pipe.write(at(0), &[7; 150], true), 100);
    assert_eq!(pipe.write(at(0), &[7; 50], true), 0);
    let (_, arrival) = read(&mut pipe, at(10), 60).expect("a part");
    assert_eq!(
        arrival,
        Arrival::Bytes {
            len: 60,
            fin: false
        }
    );
    assert_eq!(pipe.write(at(10), &[7; 50], true), 50);
}

#[test]
fn bytes_take_time_to_be_sent() {
    let rate = Some(1_000);
    let mut pipe = Pipe::new(PipeConfig {
        bytes_per_second: rate,
        ..CONFIG
    });
    pipe.write(at(0), &[0; 20], true);
    pipe.write(at(0), &[0; 30], true);
    assert_eq!(pipe.next_arrival(), Some(at(30)));
    let _ = read(&mut pipe, at(30), 99);
    assert_eq!(pipe.next_arrival(), Some(at(60)));
}

#[test]
fn a_stall_delays_and_a_half_open_link_swallows() {
    let mut link = Link::new([CONFIG; 2]);
    link.pipes[0].write(at(0), b"late", true);
    link.pipes[1].write(at(0), b"gone", true);
    let (pipes, lasts) = ([true, false], Duration::from_millis(50));
    link.apply(at(5), Fault::Stall { pipes, lasts });
    link.apply(
        at(5),
        Fault::HalfOpen {
            pipes: [false, true],
        },
    );
    assert_eq!(link.pipes[0].next_arrival(), Some(at(55)));
    assert_eq!(read(&mut link.pipes[0], at(54), 9), None);
    assert!(read(&mut link.pipes[0], at(55), 9).is_some());
    assert_eq!(link.pipes[1].next_arrival(), None);
    // Nobody reads what is swallowed: the writer notices when the pipe is full.
    assert_eq!(link.pipes[1].write(at(60), &[0; 99], true), 96);
    assert_eq!(link.pipes[1].write(at(60), &[0; 99], true), 0);
    assert_eq!(link.pipes[1].next_arrival(), None);
}

#[test]
fn a_reset_loses_what_is_under_way() {
    let mut link = Link::new([CONFIG; 2]);
    link.pipes[0].write(at(0), b"lost", true);
    link.apply(at(5), Fault::Reset);
    link.pipes[0].write(at(6), b"lost", true);
    assert!(link.pipes[0].is_empty());
}
