//! What the options mean for this function, and everything that is wrong with them, each at its own place.

use crate::args::{Options, Tag};
use crate::model::Function;
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Error, Path};

/// Faults found so far. Never dropped unseen: [`Faults::beside`] turns them into errors, or there were none.
#[derive(Default)]
pub(crate) struct Faults(Option<Error>);

impl Faults {
    pub(crate) fn push(&mut self, fault: Error) {
        match &mut self.0 {
            Some(all) => all.combine(fault),
            None => self.0 = Some(fault),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// All errors, and the item untouched, so that it still exists for whoever calls it.
    pub(crate) fn beside(self, item: TokenStream) -> TokenStream {
        let errors = self.0.map(Error::into_compile_error);
        quote!(#errors #item)
    }
}

/// What to write: decided, and free of faults.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    /// Arguments to be recorded.
    pub(crate) args: Vec<Ident>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) reply: Option<String>,
    pub(crate) record_reply: bool,
    pub(crate) krate: Option<Path>,
}

pub(crate) fn check(options: Options, function: &Function, faults: &mut Faults) -> Option<Plan> {
    if let Some(keyword) = &function.signature.constness {
        let message = "a `const fn` cannot be traced: it may run at compile time, where there is no clock. Trace the function that calls it";
        faults.push(Error::new(keyword.span, message));
    }
    let bindings = function.bindings();
    let names: Vec<String> = bindings.iter().map(Ident::to_string).collect();
    for skipped in &options.skip {
        let name = skipped.to_string();
        let known = names.contains(&name) || (name == "self" && function.receiver().is_some());
        if !known {
            let hint = match nearest(&name, names.iter().map(String::as_str)) {
                Some(near) => format!("; did you mean `{near}`?"),
                None if names.is_empty() => "; it has none".into(),
                None => format!("; its arguments are `{}`", names.join("`, `")),
            };
            let message = format!("`{}` has no argument `{name}`{hint}", function.signature.ident);
            faults.push(Error::new(skipped.span(), message));
        }
    }
    if let (Some(all), false) = (options.skip_all, options.skip.is_empty()) {
        faults.push(Error::new(
            all,
            "`skip_all` leaves out every argument, so `skip` says nothing more; use one of them",
        ));
    }
    if let (Some(_), Some(none)) = (&options.reply, options.no_reply) {
        faults.push(Error::new(
            none,
            "`no_reply` records no reply, so `reply = …` has nothing to name; use one of them",
        ));
    }
    let recorded = |binding: &Ident| {
        let name = binding.to_string();
        // `_x` says that the value does not matter; reading it would also be a lint.
        options.skip_all.is_none()
            && !name.starts_with('_')
            && !options.skip.iter().any(|skipped| *skipped == name)
    };
    let args: Vec<Ident> = bindings.into_iter().filter(recorded).collect();
    let mut seen: Vec<&str> = vec![];
    for tag in &options.tags {
        if seen.contains(&tag.key.as_str()) {
            faults.push(Error::new(tag.key_span, format!("the tag `{}` is given twice", tag.key)));
        }
        seen.push(&tag.key);
    }
    Some(Plan {
        name: options.name.map_or_else(|| unraw(&function.signature.ident), |name| name.value()),
        kind: options.kind.map(|kind| kind.value()),
        args,
        tags: options.tags,
        reply: options.reply.map(|reply| reply.value()),
        record_reply: options.no_reply.is_none(),
        krate: options.krate,
    })
}

/// `r#type` is called `type`.
pub(crate) fn unraw(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// The candidate that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |candidate: &&'a str| distance(given, candidate);
    candidates.into_iter().min_by_key(near).filter(|candidate| near(candidate) <= 1 + given.len() / 4)
}

/// Edits between two words, neighbouring letters swapped counting as two.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
