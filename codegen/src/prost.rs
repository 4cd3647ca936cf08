//! Messages of prost, on the heap.

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::TokenStream;
use prost_build::{Config, Module, ServiceGenerator};
use prost_types::FileDescriptorProto;

use crate::builder::Options;
use crate::codec::Codec;
use crate::error::{Error, Fault};
use crate::names;
use crate::output::{self, Package};
use crate::service::{Service, Types};
use crate::sources::Sources;
use crate::stubs::Stubs;

/// prost's generator, with everything that the builder was told.
pub(crate) fn generate(
    options: &Options,
    sources: &Sources,
    services: Rc<[Service]>,
) -> Result<(), Error> {
    let mut config = Config::new();
    // What `std` has for maps is not in firmware.
    config.btree_map(["."]);
    for (proto, rust) in &options.extern_paths {
        config.extern_path(proto, rust);
    }
    options
        .prost
        .iter()
        .for_each(|configure| configure(&mut config));
    let stubs = Stubs::new(options, services, Codec::Prost);
    config.service_generator(Box::new(stubs.clone()));
    let files = sources.set.file.iter();
    let requests: Vec<_> = files.map(|file| (module(file), file.clone())).collect();
    let named = requests
        .iter()
        .map(|(module, file)| (module.clone(), file.package().to_owned()));
    let packages: HashMap<_, _> = named.collect();
    let generated = config.generate(requests);
    let generated = generated.map_err(|error| Fault::new(format!("prost-build: {error}"), ""))?;
    let generated = generated.iter().map(|(module, code)| {
        Ok(Package {
            name: packages.get(module).cloned().unwrap_or_default(),
            modules: module.parts().map(names::ident).collect(),
            items: output::parse(code)?,
        })
    });
    let mut packages = generated.collect::<Result<Vec<_>, Error>>()?;
    output::write(options, &stubs, &mut packages)
}

fn module(file: &FileDescriptorProto) -> Module {
    Module::from_protobuf_package_name(file.package())
}

impl ServiceGenerator for Stubs {
    fn generate(&mut self, service: prost_build::Service, buf: &mut String) {
        let path = |name: &str| name.parse::<TokenStream>().unwrap_or_default();
        let methods = service.methods.iter();
        let types = methods.map(|m| Types::new(&path(&m.input_type), &path(&m.output_type)));
        let types: Vec<_> = types.collect();
        let stubs = self.of(&service.package, &service.proto_name, &types);
        buf.push_str(&stubs.to_string());
    }
}
