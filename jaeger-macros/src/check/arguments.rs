//! Which arguments are recorded, under which key, and how.
//!
//! Without options: all but `self` and what begins with `_`; names that promise a secret as `[redacted]`. `skip`, `skip_all` and `only` say which, `display`, `debug`, `json` and `redact`
//! how, `rename` under which key; a tag of the same key stands instead of the argument. One that is called like a tag of the span's own is recorded as `argument.…`. What a block says of all its functions holds where the function does not say it itself.

use super::names::{is_secret, nearest};
use super::{Faults, Recorded};
use crate::args::{Container, Options, Shown};
use crate::model::reply::Reply;
use crate::model::{Function, Parameter};
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{LitStr, Member, Pat};

pub(super) fn decide(
    options: &Options,
    container: &Container,
    function: &Function,
    faults: &mut Faults,
) -> Vec<Recorded> {
    let receiver = function.receiver().map(|this| Ident::new("self", this.span));
    let names: Vec<Ident> = receiver.into_iter().chain(function.bindings()).collect();
    unknown(options, &names, function, faults);
    twice(options, faults);
    contradictions(options, function.receiver().is_some(), faults);
    let outer = &container.options;
    let conditional = function.conditional();
    let mut by_field = vec![];
    for parameter in function.parameters() {
        if let Parameter::Pattern { pattern, .. } = parameter {
            secret_fields(pattern, false, &mut by_field);
        }
    }
    let recorded = names.into_iter().filter(|name| !conditional.contains(name)).filter_map(|name| {
        let shown = shown(&name, by_field.contains(&name), options, outer)?;
        let renamed = options.renamed.iter().find(|(renamed, _)| *renamed == name);
        let key = renamed.map_or_else(|| name.unraw().to_string(), |(_, key)| key.value());
        if options.tags.iter().chain(&outer.tags).any(|tag| tag.key == key) {
            return None;
        }
        let taken = renamed.is_none() && is_own_key(&key, options, outer, function);
        Some(Recorded { name, key: if taken { format!("argument.{key}") } else { key }, shown })
    });
    let mut recorded: Vec<Recorded> = recorded.collect();
    for i in 1..recorded.len() {
        let (before, [one, ..]) = recorded.split_at_mut(i) else { continue };
        if !before.iter().any(|other| other.key == one.key) {
            continue;
        }
        let key = &one.key;
        match options.renamed.iter().find(|(_, renamed)| renamed.value() == *key) {
            Some((_, renamed)) => {
                let message =
                    format!("two arguments would be recorded as `{key}`; give one of them another key");
                faults.add(renamed.span(), message);
            }
            // Two that are called the same: one of them came from where a macro was called.
            None => one.key = format!("{key}.{}", i + 1),
        }
    }
    recorded
}

/// Whether the span itself has, or may get, a tag of that key. An argument `error: bool` would mark it as failed.
fn is_own_key(key: &str, options: &Options, outer: &Options, function: &Function) -> bool {
    let reply = options.reply.as_ref().or(outer.reply.as_ref()).map(LitStr::value);
    // One that is given by the function itself is a fault of its own.
    let is_reply = options.reply.is_none()
        && options.no_reply.is_none()
        && outer.no_reply.is_none()
        && !matches!(function.reply(), Reply::Nothing | Reply::Opaque)
        && reply.as_deref().unwrap_or("reply") == key;
    match key {
        "error" | "cancelled" => true,
        // The tracer may count all polls.
        "polls" | "busy_us" | "idle_us" => {
            function.is_async() || matches!(function.reply(), Reply::Future(_) | Reply::Stream(_))
        }
        "items" => matches!(function.reply(), Reply::Stream(_)),
        _ => is_reply,
    }
}

/// How an argument is shown, `None` if it is not.
fn shown(name: &Ident, in_secret_field: bool, options: &Options, outer: &Options) -> Option<Shown> {
    let text = name.to_string();
    let asked = options.shown.iter().find(|(asked, _)| asked == name).map(|(_, shown)| *shown);
    if let Some((_, only)) = &options.only {
        return only.contains(name).then(|| asked.unwrap_or(Shown::ByType));
    }
    if options.skip_all.is_some() || options.skip.contains(name) {
        return None;
    }
    if asked.is_some() {
        return asked;
    }
    let listed = |names: &[Ident]| names.iter().any(|listed| *listed == text);
    if text == "self" || text.starts_with('_') || outer.skip_all.is_some() || listed(&outer.skip) {
        return None;
    }
    let outer = outer.shown.iter().any(|(asked, _)| *asked == text);
    Some(if outer || in_secret_field || is_secret(&text) { Shown::Redacted } else { Shown::ByType })
}

/// What a pattern binds out of a field with a secret's name: `p` of `Creds { password: p }`.
fn secret_fields(pattern: &Pat, secret: bool, to: &mut Vec<Ident>) {
    let mut each = |patterns: &mut dyn Iterator<Item = &Pat>| {
        for pattern in patterns {
            secret_fields(pattern, secret, to);
        }
    };
    match pattern {
        Pat::Tuple(tuple) => each(&mut tuple.elems.iter()),
        Pat::TupleStruct(tuple) => each(&mut tuple.elems.iter()),
        Pat::Slice(slice) => each(&mut slice.elems.iter()),
        Pat::Or(or) => each(&mut or.cases.iter()),
        Pat::Reference(reference) => secret_fields(&reference.pat, secret, to),
        Pat::Paren(paren) => secret_fields(&paren.pat, secret, to),
        Pat::Ident(ident) => {
            if secret {
                to.push(ident.ident.clone());
            }
            if let Some((_, inner)) = &ident.subpat {
                secret_fields(inner, secret, to);
            }
        }
        Pat::Struct(fields) => {
            for field in &fields.fields {
                let named = matches!(&field.member, Member::Named(name) if is_secret(&name.to_string()));
                secret_fields(&field.pat, secret || named, to);
            }
        }
        _ => {}
    }
}

/// Names that the function does not have.
fn unknown(options: &Options, names: &[Ident], function: &Function, faults: &mut Faults) {
    let given = options.skip.iter();
    let given = given.chain(options.only.iter().flat_map(|(_, only)| only));
    let given = given.chain(options.shown.iter().map(|(name, _)| name));
    let given = given.chain(options.renamed.iter().map(|(name, _)| name));
    for unknown in given.filter(|given| !names.contains(given)) {
        if unknown == "self" {
            faults.add(unknown.span(), format!("`{}` has no `self`", function.signature.ident));
            continue;
        }
        let arguments: Vec<String> =
            names.iter().filter(|name| *name != "self").map(Ident::to_string).collect();
        let hint = match nearest(&unknown.to_string(), arguments.iter().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None if arguments.is_empty() => "; it has none".into(),
            None => format!("; its arguments are `{}`", arguments.join("`, `")),
        };
        let function = &function.signature.ident;
        faults.add(unknown.span(), format!("`{function}` has no argument `{unknown}`{hint}"));
    }
}

/// The same name twice in what can say only one thing of it.
fn twice(options: &Options, faults: &mut Faults) {
    let mut once = |names: &mut dyn Iterator<Item = &Ident>, option: &str| {
        let mut seen: Vec<&Ident> = vec![];
        for name in names {
            if seen.contains(&name) {
                faults.add(name.span(), format!("`{option}` names `{name}` twice"));
            }
            seen.push(name);
        }
    };
    once(&mut options.skip.iter(), "skip");
    once(&mut options.only.iter().flat_map(|(_, only)| only), "only");
    once(&mut options.renamed.iter().map(|(name, _)| name), "rename");
    for (i, (name, shown)) in options.shown.iter().enumerate() {
        if let Some((_, before)) = options.shown[..i].iter().find(|(before, _)| before == name) {
            let (a, b) = (before.option(), shown.option());
            let message = match a == b {
                true => format!("`{a}` names `{name}` twice"),
                false => format!("`{name}` cannot be shown by `{a}` and by `{b}`; use one of them"),
            };
            faults.add(name.span(), message);
        }
    }
}

/// An argument that is left out, and yet shown or renamed.
fn contradictions(options: &Options, has_self: bool, faults: &mut Faults) {
    let skips = options.skip.first();
    if let (Some(all), Some(_)) = (options.skip_all, skips) {
        faults.add(all, "`skip_all` leaves out every argument, so `skip` says nothing more; use one of them");
    }
    if let (Some((only, _)), true) = (&options.only, options.skip_all.is_some() || skips.is_some()) {
        faults.add(
            *only,
            "`only` says which arguments are recorded, `skip` and `skip_all` which are not; use one of them",
        );
        return;
    }
    let named = options.shown.iter().map(|(name, shown)| (name, shown.option()));
    for (name, option) in named.chain(options.renamed.iter().map(|(name, _)| (name, "rename"))) {
        if options.skip_all.is_some() {
            let message = format!(
                "`skip_all` leaves out every argument, so `{option}` has nothing to show; name what you want with `only`"
            );
            faults.add(name.span(), message);
        } else if options.skip.contains(name) {
            faults.add(
                name.span(),
                format!("`skip` leaves out `{name}`, so `{option}` has nothing to show; use one of them"),
            );
        } else if options.only.as_ref().is_some_and(|(_, only)| !only.contains(name)) {
            faults.add(
                name.span(),
                format!(
                    "`only` leaves out `{name}`, so `{option}` has nothing to show; name it in `only` too"
                ),
            );
        } else if name == "self"
            && has_self
            && option == "rename"
            && !options.shown.iter().any(|(shown, _)| shown == "self")
            && options.only.is_none()
        {
            faults.add(
                name.span(),
                "`self` is not recorded unless it is asked for: name it in `debug` or `only` too",
            );
        }
    }
}
