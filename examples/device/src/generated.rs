//! `proto/device/v1/device.proto`, as grpc-websocket-build makes it: messages, clients, servers.

grpc_websocket_embassy::include_proto!("device.v1");
