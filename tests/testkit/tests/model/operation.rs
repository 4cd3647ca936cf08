//! What can be done to an end.

use proptest::prelude::*;

/// Something that one end does.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) by_acceptor: bool,
    pub(crate) kind: Kind,
    /// Which of the calls that it knows, gone ones among them.
    pub(crate) call: u8,
    /// How many bytes, how long, which code.
    pub(crate) number: u16,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Open,
    Send,
    HalfClose,
    Consume,
    Reset,
    Refuse,
    Release,
    Deadline,
    GoAway,
    Transmit,
    Deliver,
    Tick,
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        3 => Just(Kind::Open),
        8 => Just(Kind::Send),
        1 => Just(Kind::HalfClose),
        6 => Just(Kind::Consume),
        1 => Just(Kind::Reset),
        1 => Just(Kind::Refuse),
        1 => Just(Kind::Release),
        1 => Just(Kind::Deadline),
        8 => Just(Kind::Transmit),
        16 => Just(Kind::Deliver),
        1 => Just(Kind::Tick),
    ]
}

/// Long lists, in some of which an end goes away somewhere.
pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let number = prop_oneof![4 => 0..300_u16, 1 => Just(u16::MAX), 1 => 0..9_u16];
    let one = (any::<bool>(), kind(), any::<u8>(), number);
    let one = one.prop_map(|(by_acceptor, kind, call, number)| Operation {
        by_acceptor,
        kind,
        call,
        number,
    });
    let list = prop::collection::vec(one, 1..300);
    let going_away = prop::option::weighted(0.3, (any::<prop::sample::Index>(), any::<bool>()));
    (list, going_away).prop_map(|(mut list, going_away)| {
        if let Some((at, by_acceptor)) = going_away {
            let at = at.index(list.len());
            list[at].kind = Kind::GoAway;
            list[at].by_acceptor = by_acceptor;
        }
        list
    })
}
