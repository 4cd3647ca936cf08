//! The server role.

use core::hint::black_box;

use grpc_websocket_core::single::Server;

use crate::{Input, sink};

/// Calls the methods of a server in any order.
#[unsafe(no_mangle)]
pub extern "C" fn link_server(input: &Input) {
    let mut server = Server::new(input.instant(), input.limits());
    loop {
        match input.u8() {
            0 => sink::segment(server.send_metadata(input.u32())),
            1 => sink::segment(server.send_message(input.bool(), input.u32())),
            2 => sink::segment(server.forward(input.bytes())),
            3 => sink::segment(server.send_trailers(input.u32())),
            4 => receive(&mut server, input),
            5 => {
                if let Err(error) = server.handle_text() {
                    sink::recv_error(error);
                }
            }
            6 => {
                black_box(server.handle_close());
            }
            7 => sink::event(server.handle_timeout(input.instant())),
            8 => server.set_deadline(input.option(input.instant())),
            9 => {
                black_box((
                    server.poll_timeout(),
                    server.is_ended(),
                    server.is_unanswered(),
                ));
                black_box((server.is_half_closed(), server.is_at_boundary()));
            }
            _ => return,
        }
    }
}

fn receive(server: &mut Server, input: &Input) {
    let mut fragment = input.fragment();
    while !fragment.rest().is_empty() {
        sink::event(server.recv(&mut fragment));
    }
}
