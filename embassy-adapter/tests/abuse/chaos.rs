//! Anything at any time: calls of all kinds, dropped anywhere at both ends, over transports that cut
//! and stall, and runners that are dropped. A call ends once, with exact data or a status.

use std::cell::{Cell, RefCell};

use embassy_futures::select::{Either, select};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Code, Config, Error, Runner, State, Status};
use proptest::prelude::*;

use crate::common::pair::{CALLS, OUTPUT, TestClient, TestServer, WINDOW};
use crate::common::{Task, at_most, join, pipe, run, yield_now};
use crate::service::{BUFFER, Call, Work, assert_all_free, assert_whole, message, serve, unary};

type TestRunner<'a> = Runner<'a, CALLS, WINDOW, OUTPUT>;

/// Never: a future runs to its end.
const NEVER: usize = usize::MAX;

/// Decides what happens, by a seed.
struct Dice(Cell<u64>);

impl Dice {
    /// A number below `most`.
    fn below(&self, most: usize) -> usize {
        let mut bits = self.0.get();
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        self.0.set(bits);
        (bits >> 11) as usize % most
    }

    fn one_in(&self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// After how many polls a future is dropped, if at all.
    fn polls(&self) -> usize {
        if self.one_in(3) {
            1 + self.below(120)
        } else {
            NEVER
        }
    }

    fn message(&self) -> Vec<u8> {
        let len = [3, 20, 58, 59, 60, 64, 123, 128, 300][self.below(9)];
        message(self.below(200) as u8, len)
    }
}

/// What happens to what.
#[derive(Debug, Clone, Copy)]
struct Plan {
    seed: u64,
    subprotocol: Subprotocol,
    chunk: usize,
    capacity: usize,
    stalls: usize,
    /// Runners are dropped, until it is over.
    breaks: bool,
}

/// Makes calls as the dice say.
async fn caller(client: TestClient<'_>, dice: &Dice, calls: usize) {
    for _ in 0..calls {
        client.ready().await;
        match dice.below(3) {
            0 => call_unary(client, dice).await,
            _ => call_bidi(client, dice).await,
        }
        yield_now().await;
    }
}

async fn call_unary(client: TestClient<'_>, dice: &Dice) {
    let (seed, len) = (dice.below(200) as u8, 3 + dice.below(300));
    // The answer is checked there.
    let _ = at_most(unary(client, seed, len), dice.polls()).await;
}

async fn call_bidi(client: TestClient<'_>, dice: &Dice) {
    let call = client.call::<Raw>("/t.T/Unary").bidi();
    let Some(Ok((mut sender, mut receiver))) = at_most(call, dice.polls()).await else {
        return;
    };
    let sent = RefCell::new(Vec::new());
    let sending = async {
        let mut buffer = vec![0; BUFFER];
        let message = dice.message();
        sent.borrow_mut().push(message.clone());
        at_most(sender.send(&message, &mut buffer), dice.polls())
            .await?
            .ok()?;
        if dice.one_in(5) {
            return None;
        }
        at_most(sender.half_close(), dice.polls()).await?.ok()
    };
    let receiving = async {
        let mut buffer = vec![0; BUFFER];
        let mut answers = Vec::new();
        loop {
            let reading = receiver.message::<&[u8]>(&mut buffer);
            match at_most(reading, dice.polls()).await {
                None if dice.one_in(4) => return,
                None => {}
                Some(Ok(Some(answer))) => {
                    assert_whole(answer);
                    answers.push(answer.to_vec());
                }
                Some(Ok(None)) => break assert_eq!(answers, *sent.borrow(), "not what was sent"),
                Some(Err(_)) => break,
            }
        }
        // It ends once.
        let first = receiver
            .message::<&[u8]>(&mut buffer)
            .await
            .map(|end| end.map(<[u8]>::len));
        let again = receiver
            .message::<&[u8]>(&mut buffer)
            .await
            .map(|end| end.map(<[u8]>::len));
        assert_eq!(first, again);
        assert!(!matches!(first, Ok(Some(_))));
    };
    join(Task::new(sending), Task::new(receiving)).await;
}

/// Answers calls as the dice say, until it is calm; then all of them well.
async fn answerer(server: TestServer<'_>, dice: &Dice, is_calm: &Cell<bool>, work: &Work) {
    let mut buffer = vec![0; BUFFER];
    let calm = async {
        while !is_calm.get() {
            yield_now().await;
        }
    };
    let wild = async {
        loop {
            let accepting = server.accept::<Raw>(&mut buffer);
            let Some((_, call)) = at_most(accepting, dice.polls()).await else {
                continue;
            };
            let polls = dice.polls();
            let _ = at_most(answer(call, dice), polls).await;
        }
    };
    let _ = select(wild, calm).await;
    serve(server, work).await;
}

/// Answers each message with itself, or does not.
async fn answer(mut call: Call<'_>, dice: &Dice) -> Result<(), Status> {
    let mut buffer = vec![0; BUFFER];
    loop {
        if dice.one_in(12) {
            return call.finish(&Status::of(Code::Aborted)).await;
        }
        let Some(message) = call.message::<&[u8]>(&mut buffer).await? else {
            return call.finish(&Status::OK).await;
        };
        assert_whole(message);
        let message = message.to_vec();
        call.send(&message, &mut buffer).await?;
    }
}

/// One connection.
async fn drive(
    plan: Plan,
    dialer: &mut TestRunner<'_>,
    acceptor: &mut TestRunner<'_>,
) -> (Result<(), Error>, Result<(), Error>) {
    let (up, at_server) = pipe(plan.capacity);
    let (down, at_client) = pipe(plan.capacity);
    let (up, down) = (up.chunk(plan.chunk), down.stalls(plan.stalls));
    let (at_client, at_server) = (at_client.stalls(plan.stalls), at_server.chunk(plan.chunk));
    let subprotocols = [plan.subprotocol];
    let upgrade = Upgrade::new("device", "/t.T/Unary").subprotocols(&subprotocols);
    let accept = Accept::new();
    let dialing = dialer.connect(at_client, up, &upgrade);
    let accepting = acceptor.accept(at_server, down, &accept);
    join(Task::new(dialing), Task::new(accepting)).await
}

fn unleash(plan: Plan) {
    let (mut ours, mut theirs) = (State::new(), State::new());
    let incoming = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (client, _, mut dialer) = ours.split(Config::DEFAULT, 1);
    let (_, server, mut acceptor) = theirs.split(incoming, 2);
    let dice = Dice(Cell::new(plan.seed | 1));
    let (is_calm, work) = (Cell::new(false), Work::default());
    let driving = async {
        loop {
            let polls = match plan.breaks && !is_calm.get() {
                true => 30 + dice.below(600),
                false => NEVER,
            };
            let driven = at_most(drive(plan, &mut dialer, &mut acceptor), polls).await;
            if let Some((ours, theirs)) = driven {
                assert_no_blame(&ours);
                assert_no_blame(&theirs);
            }
            yield_now().await;
        }
    };
    let calling = async {
        match plan.subprotocol {
            Subprotocol::Single => Task::new(caller(client, &dice, 6)).await,
            Subprotocol::Mux => {
                let one = || Task::new(caller(client, &dice, 4));
                join(one(), join(one(), one())).await;
            }
        }
        is_calm.set(true);
        yield_now().await;
        assert_well(client, plan, &work).await;
    };
    let answering = Task::new(answerer(server, &dice, &is_calm, &work));
    match run(select(
        Task::new(calling),
        join(Task::new(driving), answering),
    )) {
        Either::First(()) => {}
        Either::Second(_) => panic!("it does not end"),
    }
}

/// When all are well again, so are calls, after one connection at most.
async fn assert_well(client: TestClient<'_>, plan: Plan, work: &Work) {
    for _ in 0..200_000 {
        client.ready().await;
        if unary(client, 1, 100).await.is_ok() {
            break;
        }
        yield_now().await;
    }
    if plan.subprotocol == Subprotocol::Mux && !plan.breaks {
        assert_all_free(client).await;
        assert_eq!(work.count(), 0);
    }
}

/// Neither end finds fault with the other.
fn assert_no_blame(result: &Result<(), Error>) {
    let is_fair = matches!(result, Ok(()) | Err(Error::Closed(_) | Error::Transport(_)));
    assert!(is_fair, "{result:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn calls_end_once_and_exactly(
        seed: u64,
        is_single: bool,
        chunk in prop_oneof![Just(usize::MAX), 1_usize..40],
        capacity in prop_oneof![Just(1024_usize), 20_usize..400],
        stalls in 0_usize..3,
        breaks: bool,
    ) {
        let subprotocol = if is_single { Subprotocol::Single } else { Subprotocol::Mux };
        unleash(Plan { seed, subprotocol, chunk, capacity, stalls, breaks });
    }
}
