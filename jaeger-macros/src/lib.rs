//! The `#[traced]` attribute of `jaeger-runtime`; use it from there.
//!
//! In phases, one file each: `args` reads the options, `model` the function (its body stays tokens, never parsed), `check` says every fault at its own place, and `expand`, which
//! cannot fail, writes the annotated function. On a fault the function is emitted as it was beside the errors, so that one mistake gives one message. On an `impl`, a `trait` or a `mod` the
//! attribute only passes itself on to the functions inside (`container`).

#![forbid(unsafe_code)]

mod args;
mod check;
mod container;
mod expand;
mod fragments;
mod model;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// What jaeger-runtime was built with, and so what generated code may call.
#[derive(Clone, Copy)]
struct Features {
    annotations: bool,
    serde: bool,
    stream: bool,
}

const FEATURES: Features = Features {
    annotations: cfg!(feature = "annotations"),
    serde: cfg!(feature = "serde"),
    stream: cfg!(feature = "stream"),
};

// Documented where it is used from, so that its examples can be run: at the re-export in jaeger-runtime.
#[allow(missing_docs)]
#[proc_macro_attribute]
pub fn traced(options: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand(options.into(), item.into(), FEATURES).into()
}

fn expand(options: TokenStream, item: TokenStream, features: Features) -> TokenStream {
    let mut faults = check::Faults::default();
    let mut options = args::parse(fragments::in_options(options), &mut faults);
    let (item, passed) = container::passed_on(item, &mut faults);
    if let Some(passed) = passed {
        // The block could not see this attribute, behind a `cfg_attr` or by another name, and has given the function one more.
        options.container = args::parse(passed, &mut faults).container.or(options.container);
    }
    if let Some(block) = container::Block::find(&item) {
        let passed_on = block.pass_on(&options, &mut faults);
        return if faults.is_empty() { passed_on } else { faults.beside(item) };
    }
    let function = match syn::parse2::<model::Function>(fragments::in_function(item.clone())) {
        Ok(function) => function,
        Err(error) => {
            faults.push(error);
            return faults.beside(item);
        }
    };
    let plan = check::check(options, &function, features, &mut faults);
    match plan {
        Some(plan) if faults.is_empty() && features.annotations => expand::expand(&function, &plan),
        _ => faults.beside(item),
    }
}
