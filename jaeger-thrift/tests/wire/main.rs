//! The crate against others' bytes, the `thrift` crate, broken input, and its own promises. One binary, so that the oracle is built once.

mod captures;
mod fields;
mod hostile;
mod model;
mod oracle;
mod packer;
mod random;
mod shedding;
mod tree;
