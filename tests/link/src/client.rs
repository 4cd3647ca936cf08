//! The client role.

use core::hint::black_box;

use grpc_websocket_core::single::Client;

use crate::{Input, sink};

/// Calls the methods of a client in any order.
#[unsafe(no_mangle)]
pub extern "C" fn link_client(input: &Input) {
    let mut client = Client::new(input.limits());
    loop {
        match input.u8() {
            0 => sink::segment(client.send_metadata(input.u32())),
            1 => sink::segment(client.send_message(input.bool(), input.u32())),
            2 => {
                if let Some(segment) = client.resume() {
                    sink::segment(Ok(segment));
                }
            }
            3 => sink::segment(client.forward(input.bytes())),
            4 => sink::segment(client.half_close()),
            5 => receive(&mut client, input),
            6 => {
                if let Err(error) = client.handle_text() {
                    sink::recv_error(error);
                }
            }
            7 => {
                black_box(client.handle_close(input.option(input.u16())));
            }
            8 => sink::event(Ok(client.handle_timeout(input.instant()))),
            9 => client.set_deadline(input.option(input.instant())),
            10 => {
                black_box((client.poll_timeout(), client.is_ended()));
            }
            _ => return,
        }
    }
}

fn receive(client: &mut Client, input: &Input) {
    let mut fragment = input.fragment();
    while !fragment.rest().is_empty() {
        sink::event(client.recv(&mut fragment));
    }
}
