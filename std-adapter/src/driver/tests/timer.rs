//! The one timer of a WebSocket.

use std::future::poll_fn;

use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{Instant, timeout};

use super::*;
use crate::config::Keepalive;

/// Takes all that tokio lets a task do in a turn.
fn use_budget_up(cx: &mut Context<'_>) {
    let (sender, mut receiver) = unbounded_channel();
    for _ in 0..1000 {
        sender.send(()).unwrap();
    }
    while receiver.poll_recv(cx).is_ready() {}
    assert!(!receiver.is_empty(), "there was no end to it");
}

#[tokio::test(start_paused = true)]
async fn it_wakes_a_task_that_set_it_with_no_budget_left() {
    let keepalive = Keepalive::default();
    let mut link = Link::new(Peer::default(), keepalive, 1000);
    let (start, mut is_first) = (Instant::now(), true);
    let woken = poll_fn(|cx| {
        link.begin_turn();
        if std::mem::take(&mut is_first) {
            use_budget_up(cx);
        }
        link.poll_timer(None, cx)
    });
    timeout(2 * keepalive.interval, woken).await.unwrap();
    assert_eq!(start.elapsed(), keepalive.interval);
}
