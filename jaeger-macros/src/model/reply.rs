//! What a function returns, as far as the type after its arrow says.

use crate::model::Function;
use crate::model::scan::has_impl_trait;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{GenericArgument, Path, PathArguments, PathSegment, ReturnType, Token, Type, TypeParamBound};

/// What stands after the arrow.
pub(crate) enum Reply<'a> {
    /// No arrow, `()` or `!`: nothing to tell.
    Nothing,
    /// A type that can be written again.
    Value(&'a Type),
    /// `impl Trait`, or a macro that may be one: it can be named nowhere else.
    Opaque,
    /// `impl Trait` somewhere in it, such as `Result<impl Trait, E>`: the type with a hole there.
    Partly(TokenStream),
    /// `impl Future<Output = T>` or `Pin<Box<dyn Future<Output = T>>>`.
    Future(Later<'a>),
    /// `impl Stream<Item = T>` or `Pin<Box<dyn Stream<Item = T>>>`.
    Stream(Later<'a>),
}

/// A reply that goes on after the function has returned.
pub(crate) struct Later<'a> {
    /// The whole type, where it is a box.
    pub(crate) boxed: Option<&'a Type>,
    /// `T`, where it can be written again and says anything.
    pub(crate) output: Option<&'a Type>,
}

impl Function {
    /// The type after the arrow, unless it is `()` or `!`.
    pub(crate) fn returned(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => match &**ty {
                ty if is_never(ty) => None,
                Type::Tuple(tuple) if tuple.elems.is_empty() => None,
                ty => Some(ty),
            },
        }
    }

    pub(crate) fn reply(&self) -> Reply<'_> {
        let Some(ty) = self.returned() else { return Reply::Nothing };
        if !self.is_async() {
            if let Some(reply) = later(ty) {
                return reply;
            }
        }
        if !has_impl_trait(&ty.to_token_stream()) {
            return Reply::Value(ty);
        }
        let mut holed = ty.clone();
        if punch(&mut holed) { Reply::Partly(holed.into_token_stream()) } else { Reply::Opaque }
    }
}

/// `!`, also where a macro put it.
pub(crate) fn is_never(ty: &Type) -> bool {
    match ty {
        Type::Never(_) => true,
        Type::Group(group) => is_never(&group.elem),
        _ => false,
    }
}

/// Puts `_` where a type argument is an `impl Trait`, if the compiler can do without what that says: a closure cannot, it learns the types of its parameters from it.
fn punch(ty: &mut Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last_mut() else { return false };
    let PathArguments::AngleBracketed(arguments) = &mut last.arguments else { return false };
    arguments.args.iter_mut().all(|argument| match argument {
        GenericArgument::Type(Type::ImplTrait(opaque)) if !names_closure(&opaque.bounds) => {
            *argument = syn::parse_quote!(_);
            true
        }
        GenericArgument::Type(called @ Type::Macro(_)) => {
            *called = syn::parse_quote!(_);
            true
        }
        other => !has_impl_trait(&other.to_token_stream()),
    })
}

fn names_closure(bounds: &Bounds) -> bool {
    bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| {
            let name = last.ident.to_string();
            name.starts_with("Fn") || name.starts_with("AsyncFn") || last.ident == "Future"
        }),
        _ => false,
    })
}

type Bounds = Punctuated<TypeParamBound, Token![+]>;

fn later(ty: &Type) -> Option<Reply<'_>> {
    let (bounds, boxed) = match ty {
        Type::ImplTrait(opaque) => (&opaque.bounds, None),
        Type::Path(path) => (in_pinned_box(&path.path)?, Some(ty)),
        Type::Paren(paren) => return later(&paren.elem),
        Type::Group(group) => return later(&group.elem),
        _ => return None,
    };
    // What is put around it is a future or a stream, and whatever any type is by itself, but nothing else.
    if !bounds.iter().all(is_passed_on) {
        return None;
    }
    bounds.iter().find_map(|bound| {
        let TypeParamBound::Trait(bound) = bound else { return None };
        let last = bound.path.segments.last()?;
        let (name, is_stream) = match last.ident.to_string().as_str() {
            "Future" => ("Output", false),
            "Stream" => ("Item", true),
            _ => return None,
        };
        let output = associated(&last.arguments, name).filter(|ty| !has_impl_trait(&ty.to_token_stream()));
        let later = Later { boxed, output };
        Some(if is_stream { Reply::Stream(later) } else { Reply::Future(later) })
    })
}

/// Whether a bound is `Future` or `Stream` by a path that says nothing else, an auto trait, or no trait.
fn is_passed_on(bound: &TypeParamBound) -> bool {
    let TypeParamBound::Trait(bound) = bound else { return true };
    let named = |names: &[&str], segment: Option<&PathSegment>| {
        segment.is_some_and(|segment| names.iter().any(|name| segment.ident == name))
    };
    let segments = &bound.path.segments;
    if named(&["Future", "Stream"], segments.last()) {
        return segments.len() == 1 || named(&HOMES, segments.first());
    }
    named(&["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe", "Sized"], segments.last())
}

/// Where `Future` and `Stream` are at home: crates, and modules of theirs that are imported.
const HOMES: [&str; 10] = [
    "std",
    "core",
    "future",
    "stream",
    "futures",
    "futures_core",
    "futures_util",
    "futures_lite",
    "tokio_stream",
    "async_std",
];

/// The bounds of `Pin<Box<dyn Bounds>>`.
fn in_pinned_box(path: &Path) -> Option<&Bounds> {
    let Type::Path(boxed) = only_argument(path, "Pin")? else { return None };
    match only_argument(&boxed.path, "Box")? {
        Type::TraitObject(object) => Some(&object.bounds),
        Type::Paren(paren) => match &*paren.elem {
            Type::TraitObject(object) => Some(&object.bounds),
            _ => None,
        },
        _ => None,
    }
}

fn only_argument<'a>(path: &'a Path, name: &str) -> Option<&'a Type> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match (arguments.args.first(), arguments.args.len()) {
        (Some(GenericArgument::Type(ty)), 1) => Some(ty),
        _ => None,
    }
}

fn associated<'a>(arguments: &'a PathArguments, name: &str) -> Option<&'a Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(assoc) if assoc.ident == name => Some(&assoc.ty),
        _ => None,
    })
}
