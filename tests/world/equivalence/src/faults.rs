//! One fault a function, for the linters to find.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::ready;
use std::task::Poll;

#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

pub struct Counter {
    count: u32,
}

// ------------------------------------------------------------------ rustc: arguments and locals

pub fn unused_argument(used: u8, unused: u8) -> u8 {
    used
}

pub fn unused_argument_unit(used: u8, unused: u8) {
    drop(used);
}

pub fn unused_argument_early(used: Option<u8>, unused: u8) -> Option<u8> {
    let used = used?;
    Some(used)
}

pub async fn unused_argument_later(used: u8, unused: u8) -> u8 {
    ready(used).await
}

pub fn unused_argument_iterator(used: u8, unused: u8) -> impl Iterator<Item = u8> {
    0..used
}

pub fn unused_part((used, unused): (u8, u8), Point { x, y }: Point) -> u8 {
    let _ = x;
    used
}

pub fn unused_part_early((used, unused): (u8, u8), n: Option<u8>) -> Option<u8> {
    Some(n? + used)
}

pub async fn unused_part_later((used, unused): (u8, u8)) -> u8 {
    ready(used).await
}

pub fn unused_mut_argument(mut n: u8) -> u8 {
    n
}

pub fn unused_mut_argument_early(mut n: Option<u8>) -> Option<u8> {
    let m = n?;
    Some(m)
}

pub async fn unused_mut_argument_later(mut n: u8) -> u8 {
    ready(n).await
}

pub fn unused_local(n: u8) -> u8 {
    let unused = n;
    n
}

pub fn unused_local_early(n: Option<u8>) -> Option<u8> {
    let unused = n?;
    n
}

pub async fn unused_local_later(n: u8) -> u8 {
    let unused = n;
    ready(n).await
}

pub fn unused_mut_local(n: u8) -> u8 {
    let mut m = n;
    m
}

pub fn overwritten_argument(mut n: u8) -> u8 {
    n = 3;
    n
}

pub fn overwritten_argument_early(mut n: u8, m: Option<u8>) -> Option<u8> {
    n = m?;
    Some(n)
}

pub async fn overwritten_argument_later(mut n: u8) -> u8 {
    n = 4;
    ready(n).await
}

pub fn assigned_but_unread(mut n: u8) -> u8 {
    let m = n;
    n = 4;
    m
}

pub fn assigned_but_unread_early(mut n: u8, m: Option<u8>) -> Option<u8> {
    let m = m?;
    n = 4;
    Some(m)
}

pub async fn assigned_but_unread_later(mut n: u8) -> u8 {
    let m = n;
    n = 4;
    ready(m).await
}

pub fn overwritten_local(n: u8) -> u8 {
    let mut m = 3;
    m = n;
    m
}

pub fn Not_Snake(Upper: u8) -> u8 {
    Upper
}

// ------------------------------------------------------------------ rustc: flow

pub fn unreachable_after_return(n: u8) -> u8 {
    return n;
    let m = n;
}

pub fn unreachable_after_panic(n: u8) -> u8 {
    panic!("no");
    n
}

pub fn unreachable_in_unit(n: u8) {
    return drop(n);
    println!("never");
}

pub async fn unreachable_later(n: u8) -> u8 {
    return ready(n).await;
    let m = n;
}

pub fn recurses_for_ever(n: u8) -> u8 {
    recurses_for_ever(n)
}

pub fn recurses_for_ever_in_unit(n: u8) {
    recurses_for_ever_in_unit(n);
}

pub fn recurses_for_ever_early(n: Option<u8>) -> Option<u8> {
    let m = recurses_for_ever_early(n)?;
    Some(m)
}

pub fn while_true(n: u8) -> u8 {
    while true {
        if n > 1 {
            return n;
        }
    }
    n
}

pub fn unused_result(text: &str) -> usize {
    text.parse::<u8>();
    text.len()
}

pub fn unused_result_early(text: &str) -> Option<usize> {
    text.parse::<u8>();
    text.chars().next()?;
    Some(text.len())
}

pub async fn unused_future(n: u8) -> u8 {
    ready(n);
    n
}

pub fn statement_without_effect(n: u8) -> u8 {
    n == 1;
    n;
    n
}

pub fn unused_parentheses(n: u8) -> u8 {
    if (n > 1) {
        return (n);
    }
    let m = (n);
    (m)
}

pub fn unused_braces(n: u8) -> u8 {
    { n }
}

pub fn unused_braces_early(n: Option<u8>) -> Option<u8> {
    Some({ n? })
}

pub fn unused_label(n: u8) -> u8 {
    'unused: for _ in 0..n {}
    n
}

pub fn unused_import(n: u8) -> u8 {
    use std::fmt::Write;
    n
}

pub fn unused_import_early(n: Option<u8>) -> Option<u8> {
    use std::fmt::Write;
    Some(n?)
}

pub fn unused_inner(n: u8) -> u8 {
    fn inner() {}
    const UNUSED: u8 = 1;
    n
}

pub fn always_true(n: u8) -> bool {
    n >= 0
}

#[warn(arithmetic_overflow)]
pub fn overflows() -> u8 {
    255 + 1
}

pub fn deprecated_call(text: &str) -> &str {
    text.trim_left()
}

fn never_called(n: u8) -> u8 {
    n
}

async fn never_called_later(n: u8) -> u8 {
    n
}

impl Counter {
    fn never_called(&self) -> u32 {
        self.count
    }
    pub fn unused_mut_self(mut self) -> u32 {
        self.count
    }
    pub fn unused_mut_self_early(mut self, n: Option<u32>) -> Option<u32> {
        Some(self.count + n?)
    }
}

pub fn unit_bound(n: u8) {
    let unit = drop(n);
}

// ------------------------------------------------------------------ clippy, its default set

pub fn needless_return(n: u8) -> u8 {
    return n;
}

pub fn needless_return_unit(n: u8) {
    drop(n);
    return;
}

pub fn needless_return_early(n: Option<u8>) -> Option<u8> {
    let n = n?;
    return Some(n);
}

pub async fn needless_return_later(n: u8) -> u8 {
    return ready(n).await;
}

pub fn needless_question_mark(n: Option<u8>) -> Option<u8> {
    Some(n?)
}

pub async fn needless_question_mark_later(n: Option<u8>) -> Option<u8> {
    Some(n?)
}

pub fn needless_return_in_match(n: Option<u8>) -> Option<u8> {
    match n? {
        1 => return None,
        n if n > 100 => return Some(1),
        n => {
            let n = n + 1;
            Some(n)
        }
    }
}

pub fn needless_return_in_if(n: u8) -> u8 {
    if n > 1 {
        return 2;
    } else {
        n
    }
}

pub async fn needless_return_in_if_later(n: u8) -> u8 {
    if n > 1 {
        return ready(2).await;
    } else {
        return n;
    }
}

pub fn let_and_return(n: u8) -> u8 {
    let m = n + 1;
    m
}

pub fn let_and_return_early(n: Option<u8>) -> Option<u8> {
    n?;
    let m = n.map(|n| n + 1);
    m
}

pub async fn let_and_return_later(n: u8) -> u8 {
    let m = ready(n).await;
    m
}

pub fn clone_on_copy(point: Point) -> Point {
    point.clone()
}

pub fn needless_borrow(text: &str) -> usize {
    let takes = |text: &str| text.len();
    takes(&text)
}

pub fn needless_borrow_early(text: &str) -> Option<usize> {
    text.chars().next()?;
    Some(text_length(&text))
}

pub async fn needless_borrow_later(text: &str) -> usize {
    ready(text_length(&text)).await
}

pub fn text_length(text: &str) -> usize {
    text.len()
}

pub fn useless_conversion(list: Vec<u8>, into: &mut Vec<u8>) -> usize {
    into.extend(list.into_iter());
    into.len()
}

pub fn useless_conversion_unit(list: Vec<u8>, into: &mut Vec<u8>) {
    into.extend(list.into_iter());
}

pub fn useless_conversion_early(list: Vec<u8>, into: &mut Vec<u8>) -> Option<usize> {
    into.first()?;
    into.extend(list.into_iter());
    Some(into.len())
}

pub async fn useless_conversion_later(list: Vec<u8>, into: &mut Vec<u8>) -> Result<(), u8> {
    into.extend(list.into_iter());
    ready(Err(3u8)).await?;
    Ok(())
}

pub fn explicit_auto_deref(text: &String) -> &str {
    if text.is_empty() { &**text } else { &text[1..] }
}

pub fn explicit_auto_deref_tail(text: &String) -> &str {
    &*text
}

pub fn explicit_auto_deref_early(text: &String) -> Option<&str> {
    text.chars().next()?;
    let text: &str = &*text;
    Some(text)
}

pub fn collapsible(a: bool, b: bool) -> u8 {
    if a {
        if b {
            return 1;
        }
    }
    0
}

pub fn single_match(n: Option<u8>) -> u8 {
    match n {
        Some(n) => println!("{n}"),
        _ => {}
    }
    1
}

pub fn length_zero(text: &str) -> bool {
    text.len() == 0
}

pub fn needless_bool(n: u8) -> bool {
    if n > 1 { true } else { false }
}

pub fn needless_bool_early(n: Option<u8>) -> Option<bool> {
    let n = n?;
    Some(if n > 1 { true } else { false })
}

pub fn redundant_closure(list: &[u8]) -> Vec<String> {
    list.iter().map(|n| n.to_string()).map(|text| wrap(text)).collect()
}

pub fn wrap(text: String) -> String {
    text
}

pub fn redundant_clone(text: String) -> usize {
    let copy = text.clone();
    copy.len()
}

pub fn redundant_field(x: i32, y: i32) -> Point {
    Point { x: x, y: y }
}

pub fn range_loop(list: &[u8]) -> u32 {
    let mut sum = 0;
    for i in 0..list.len() {
        sum += u32::from(list[i]);
    }
    sum
}

pub fn entry(map: &mut HashMap<u8, u8>) -> usize {
    if !map.contains_key(&1) {
        map.insert(1, 2);
    }
    map.len()
}

pub fn question_mark(n: Option<u8>) -> Option<u8> {
    if n.is_none() {
        return None;
    }
    n
}

pub fn unit_argument(n: u8) {
    drop(drop(n));
}

pub fn pointer_argument(list: &Vec<u8>, text: &String) -> usize {
    list.len() + text.len()
}

pub fn boxed_argument(n: Box<u8>) -> u8 {
    *n
}

pub fn too_many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
    a ^ b ^ c ^ d ^ e ^ f ^ g ^ h
}

pub fn needless_lifetime<'a>(text: &'a str) -> &'a str {
    text
}

pub fn complex(n: u8) -> Vec<Option<Box<dyn Fn(u8, Vec<Option<Result<u8, String>>>) -> Result<Option<u8>, String>>>> {
    drop(n);
    vec![]
}

pub fn large_error(n: u8) -> Result<u8, [u64; 40]> {
    Ok(n)
}

pub fn unit_error(n: u8) -> Result<u8, ()> {
    Ok(n)
}

pub fn manual_map(n: Option<u8>) -> Option<u8> {
    match n {
        Some(n) => Some(n + 1),
        None => None,
    }
}

pub fn assigned_operation(mut n: u8) -> u8 {
    n = n + 1;
    n
}

pub fn module_inception(n: Option<u8>) -> u8 {
    if let Some(_) = n {
        return 1;
    }
    0
}

pub async fn lock_across(lock: &std::sync::Mutex<u8>) -> u8 {
    let guard = lock.lock().unwrap();
    ready(*guard).await
}

pub fn returns_future(n: u8) -> impl std::future::Future<Output = u8> {
    async move { n }
}

pub async fn bare_block(n: u8) -> u8 {
    let later = async { ready(n).await };
    later.await
}

impl Counter {
    pub fn new() -> Self {
        Self { count: 0 }
    }
    pub fn to_owned_count(self) -> u32 {
        self.count
    }
    pub fn into_count(&self) -> u32 {
        self.count
    }
    pub fn is_empty(self) -> bool {
        self.count == 0
    }
    pub fn len(&self) -> u32 {
        self.count
    }
    pub fn next(&mut self) -> Option<u32> {
        let next = self.count.checked_add(1)?;
        Some(next)
    }
    pub fn add(self, other: u32) -> u32 {
        self.count + other
    }
    pub fn from_str(text: &str) -> Self {
        Self { count: text.len() as u32 }
    }
    pub fn default() -> Self {
        Self { count: 1 }
    }
    pub fn double(&self, n: u32) -> u32 {
        if n == 0 { 0 } else { self.double(n - 1) }
    }
}

impl PartialEq for Counter {
    fn eq(&self, other: &Counter) -> bool {
        self == other
    }
    fn ne(&self, other: &Counter) -> bool {
        !self.eq(other)
    }
}

impl Clone for Point2 {
    fn clone(&self) -> Self {
        Point2 { x: self.x }
    }
}

#[derive(Clone, Copy)]
struct Flag(bool);

impl Flag {
    fn copied(&self) -> Flag {
        *self
    }
}

#[derive(Copy)]
pub struct Point2 {
    pub x: i32,
}

// ------------------------------------------------------------------ clippy's pedantic set

pub fn must_use(n: u8) -> u8 {
    n + 1
}

pub fn no_errors_section(n: u8) -> Result<u8, String> {
    Ok(n)
}

pub async fn no_errors_section_later(n: u8) -> Result<u8, String> {
    Ok(ready(n).await)
}

pub fn no_panics_section(n: Option<u8>) -> u8 {
    n.unwrap()
}

pub fn no_panics_section_early(n: Option<u8>) -> Option<u8> {
    let m = n?;
    assert!(m > 1);
    Some(m)
}

pub async fn needless_async(n: u8) -> u8 {
    n
}

pub fn by_value(text: String, list: Vec<u8>) -> usize {
    text.len() + list.len()
}

pub fn by_value_early(text: String, n: Option<u8>) -> Option<usize> {
    n?;
    Some(text.len())
}

pub fn by_value_unit(text: String) {
    println!("{}", text);
}

pub fn small_by_reference(n: &u8, point: &Point) -> u8 {
    *n + point.x as u8
}

pub fn casts(n: u64, m: i64) -> u32 {
    n as u32 + m as u32
}

pub fn underscore_used(_n: u8) -> u8 {
    _n + 1
}

pub fn underscore_used_early(_n: Option<u8>) -> Option<u8> {
    let m = _n?;
    Some(m)
}

pub async fn underscore_used_later(_n: u8) -> u8 {
    ready(_n).await
}

pub fn unneeded_wrap(n: u8) -> Option<u8> {
    let m = n + 1;
    Some(m)
}

fn private_unneeded_wrap(n: u8) -> Option<u8> {
    if n > 1 {
        return Some(1);
    }
    Some(2)
}

pub fn calls_private(n: u8) -> u8 {
    private_unneeded_wrap(n).unwrap_or(1)
}

pub fn items_after(n: u8) -> u8 {
    let m = n;
    fn inner(n: u8) -> u8 {
        n
    }
    inner(m)
}

pub fn semicolon_if_nothing(n: u8) {
    drop(n)
}

pub fn semicolon_if_nothing_branch(n: u8) {
    if n > 1 {
        drop(n)
    }
}

pub fn implicit_clone(list: &Vec<u8>) -> Vec<u8> {
    list.to_vec()
}

pub fn similar(first_value: u8, first_valve: u8) -> u8 {
    first_value ^ first_valve
}

pub fn uninlined(n: u8) -> String {
    format!("{}", n)
}

pub fn uninlined_early(n: Option<u8>) -> Option<String> {
    let n = n?;
    Some(format!("{}", n))
}

pub fn match_wildcard(n: std::cmp::Ordering) -> u8 {
    match n {
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Equal => 2,
        _ => 3,
    }
}

pub fn if_not_else(n: u8) -> u8 {
    if n != 1 { 1 } else { 2 }
}

pub fn manual_let_else(n: Option<u8>) -> Option<u8> {
    let n = match n {
        Some(n) => n,
        None => return None,
    };
    Some(n + 1)
}

pub fn bools(a: bool, b: bool, c: bool, d: bool) -> bool {
    a ^ b ^ c ^ d
}

pub fn generic_unused<T: Debug>(value: T) -> String {
    format!("{:?}", value)
}

pub fn option_option(n: u8) -> Option<Option<u8>> {
    Some(Some(n))
}

impl Counter {
    pub fn no_self_used(&self, n: u32) -> u32 {
        n
    }
    pub fn returns_self(self) -> Self {
        self
    }
    pub fn no_self_used_early(&self, n: Option<u32>) -> Option<u32> {
        Some(n? + 1)
    }
    pub fn no_mut_self_used_early(&mut self, n: Option<u32>) -> Option<u32> {
        Some(n? + 1)
    }
    async fn private_no_self(&self, n: u32) -> u32 {
        ready(n).await
    }
    pub async fn calls(&self) -> u32 {
        self.private_no_self(1).await + self.never_called()
    }
}

// ------------------------------------------------------------------ lints that are allowed or expected here

#[allow(unused_variables)]
pub fn allowed(unused: u8) -> u8 {
    1
}

#[expect(unused_variables)]
pub fn expected(unused: u8) -> u8 {
    1
}

#[expect(unused_variables)]
pub fn expected_in_vain(used: u8) -> u8 {
    used
}

#[expect(unused_variables)]
pub fn expected_early(unused: u8, n: Option<u8>) -> Option<u8> {
    let m = n?;
    Some(m)
}

#[expect(unused_variables)]
pub async fn expected_later(unused: u8) -> u8 {
    ready(1).await
}

pub fn allowed_argument(#[allow(unused_variables)] unused: u8) -> u8 {
    1
}

pub fn allowed_argument_early(#[allow(unused_variables)] unused: u8, n: Option<u8>) -> Option<u8> {
    let m = n?;
    Some(m)
}

pub async fn allowed_argument_later(#[allow(unused_variables)] unused: u8) -> u8 {
    ready(1).await
}

// ------------------------------------------------------------------ what a trait decided is nobody's fault

pub trait Decides {
    fn complex(&self, n: Option<u8>) -> Vec<Option<(Vec<Box<[(u8, u16)]>>, Option<(String, Vec<(u8, u8)>)>)>>;
    fn complex_early(&self, n: Option<u8>) -> Result<Vec<Option<(Vec<Box<[(u8, u16)]>>, String)>>, (String, Vec<(u8, Vec<u8>)>)>;
    fn callback(&self) -> Box<dyn Fn(fn(fn(u8) -> u8) -> fn() -> u8)>;
}

impl Decides for Counter {
    fn complex(&self, n: Option<u8>) -> Vec<Option<(Vec<Box<[(u8, u16)]>>, Option<(String, Vec<(u8, u8)>)>)>> {
        vec![None; usize::from(n.unwrap_or(1))]
    }
    fn complex_early(&self, n: Option<u8>) -> Result<Vec<Option<(Vec<Box<[(u8, u16)]>>, String)>>, (String, Vec<(u8, Vec<u8>)>)> {
        let n = n.ok_or((String::new(), vec![]))?;
        Ok(vec![None; usize::from(n)])
    }
    fn callback(&self) -> Box<dyn Fn(fn(fn(u8) -> u8) -> fn() -> u8)> {
        Box::new(|_| ())
    }
}

// ------------------------------------------------------------------ parts of patterns, in every shape

pub fn unused_part_underscored((used, unused, _ignored): (u8, u8, u8), _: u8) -> u8 {
    used
}

pub fn unused_part_unit((used, unused): (u8, u8)) {
    drop(used);
}

pub fn unused_part_bound(whole @ Point { x, .. }: Point) -> i32 {
    whole.y
}

pub fn unused_part_slice([first, middle @ .., last]: [u8; 4]) -> u8 {
    first + last
}

pub fn unused_mut_part((mut used, other): (u8, u8)) -> u8 {
    used + other
}

pub async fn unused_mut_part_later((mut used, other): (u8, u8)) -> u8 {
    ready(used + other).await
}

pub fn overwritten_part((mut n, m): (u8, u8)) -> u8 {
    n = m;
    n
}

pub fn unused_part_iterator((used, unused): (u8, u8)) -> impl Iterator<Item = u8> {
    0..used
}

pub fn unused_part_future((used, unused): (u8, u8)) -> impl std::future::Future<Output = u8> {
    ready(used)
}

pub fn unused_part_boxed((used, unused): (u8, u8)) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> {
    Box::pin(ready(used))
}

#[track_caller]
pub fn unused_part_located((used, unused): (u8, u8), n: Option<u8>) -> Option<u8> {
    Some(n? + used)
}

// ------------------------------------------------------------------ replies that are futures, braces, `#[must_use]`, `#[expect]`

pub async fn yields_a_future() -> std::future::Ready<u8> {
    ready(1)
}

pub async fn yields_what_it_is_given<F: std::future::Future>(future: F) -> F {
    future
}

pub fn boxed_in_a_line(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> { Box::pin(async move { n }) }

#[must_use]
pub async fn must_be_used(n: u8) -> u8 {
    n
}

pub async fn does_not_use_it(n: u8) {
    must_be_used(n).await;
}

pub fn borrows_an_argument(ref text: String) -> usize {
    text.len()
}

#[expect(clippy::ptr_arg, clippy::needless_pass_by_value)]
pub fn expects(list: &Vec<u8>, text: String) -> usize {
    list.len() + text.len()
}

pub trait PublicTrait {
    async fn in_a_public_trait(&self) -> u8 {
        1
    }
}

// ------------------------------------------------------------------ raw pointers, which linters follow from the argument

pub fn reads_a_pointer(pointer: *const u8) -> u8 {
    unsafe { *pointer }
}

pub fn reads_a_pointer_early(pointer: *const u8) -> Option<u8> {
    let number = unsafe { pointer.as_ref() }?;
    Some(*number)
}

pub fn moves_a_pointer(mut pointer: *mut u8, n: usize) {
    unsafe {
        pointer = pointer.add(n);
        *pointer = 1;
    }
}

pub fn unused_pointer(pointer: *const u8, used: u8) -> u8 {
    used
}

// ------------------------------------------------------------------ async functions of the user's types that return at their end

pub async fn returns_at_the_end(n: u8) -> Counter {
    if n == 1 {
        return Counter { count: 1 };
    }
    return Counter { count: 2 };
}

pub async fn returns_in_a_match(n: u8) -> Counter {
    match n {
        0 => Counter { count: 1 },
        _ => return Counter { count: 2 },
    }
}

// Clippy's `needless_return` cannot be kept here (it would be told of the `async` block too); the compiler must not call anything unreachable.
#[allow(clippy::needless_return)]
pub async fn returns_on_both_sides_with_async_inside(n: u8) -> Counter {
    let one = async { 1 };
    if n == 0 {
        return Counter { count: one.await };
    } else {
        return Counter { count: 2 };
    }
}

pub async fn returns_a_future_at_the_end(n: u8) -> std::future::Ready<u8> {
    return ready(n);
}

pub async fn returns_without_a_semicolon(n: u8) -> Counter {
    drop(n);
    return Counter { count: 3 }
}

pub fn returns_early_without_a_semicolon(n: Option<u8>) -> Option<u8> {
    let n = n?;
    if n == 1 {
        return None;
    }
    return Some(n)
}

pub async fn returns_a_future_in_a_match(n: u8) -> std::future::Ready<u8> {
    match n {
        0 => ready(1),
        _ => return ready(2),
    }
}

pub async fn returns_a_future_in_an_else<F: std::future::Future>(future: F, n: u8, other: F) -> F {
    if n != 0 {
        return future;
    } else {
        other
    }
}

pub async fn holds_one_that_yields_a_future(n: u8) -> std::future::Ready<u8> {
    let later = async { ready(n) };
    match n {
        0 => later.await,
        n => {
            if n == 1 {
                return ready(2);
            }
            ready(3)
        }
    }
}

pub async fn holds_async_and_has_no_end(n: u8) -> Counter {
    let later = async { n };
    match later.await {
        0 => panic!("none"),
        n => {
            if n > 1 {
                return Counter { count: 1 };
            }
            panic!("one")
        }
    }
}

// ------------------------------------------------------------------ functions whose place has to stay, returning at their end

#[track_caller]
pub fn returns_located(n: Option<u8>) -> Option<u8> {
    let n = n?;
    return Some(n);
}

#[track_caller]
pub fn returns_located_unused((used, unused): (u8, u8), mut n: u8) -> u8 {
    return used;
}

pub fn large_error_early(n: Option<u8>) -> Result<u8, [u64; 40]> {
    let n = n.ok_or([3; 40])?;
    Ok(n)
}

pub trait DecidesErrors {
    fn large_error(&self, n: Option<u8>) -> Result<u8, [u64; 40]>;
}

impl DecidesErrors for Flag {
    fn large_error(&self, n: Option<u8>) -> Result<u8, [u64; 40]> {
        let n = n.ok_or([3; 40])?;
        Ok(n)
    }
}

// ------------------------------------------------------------------ functions that return a future, early

pub fn made_in_a_match(n: u8) -> impl std::future::Future<Output = u8> {
    match n {
        0 => ready(1),
        _ => return ready(2),
    }
}

pub fn made_at_the_end(n: u8) -> impl std::future::Future<Output = u8> {
    return ready(n);
}

pub fn boxed_in_a_match(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> {
    match n {
        0 => Box::pin(ready(1)),
        _ => return Box::pin(ready(2)),
    }
}

pub fn boxed_at_the_end(n: u8) -> std::pin::Pin<Box<dyn std::future::Future<Output = u8>>> {
    return Box::pin(ready(n));
}

macro_rules! with_a_block {
    ($name:ident, $body:block) => {
        pub fn $name(used: u8) -> Option<u8> $body
    };
}

with_a_block!(body_of_a_macro, { Some(3) });

macro_rules! cfg_put_together {
    ($($(#[$attribute:meta])* pub fn $name:ident($argument:ident: $of:ty) -> $reply:ty $body:block)*) => {$(
        $(#[$attribute])* pub fn $name($argument: $of) -> $reply $body
    )*};
}

cfg_put_together! {
    pub fn returning_body_of_a_macro(n: Option<u8>) -> Option<u8> {
        let n = n?;
        return Some(n);
    }

    pub fn returned_future_of_a_macro(n: u8) -> impl std::future::Future<Output = u8> {
        return ready(n);
    }
}

// ------------------------------------------------------------------ more said of a reply than the trait asks for

pub trait Later {
    fn later(&self) -> impl std::future::Future<Output: std::fmt::Debug>;
}

impl Later for u8 {
    async fn later(&self) -> u8 {
        *self
    }
}

impl Later for u16 {
    #[expect(refining_impl_trait)]
    async fn later(&self) -> u16 {
        *self
    }
}

pub struct Described;

impl Described {
    pub fn description(&self) -> &str {
        "text"
    }
}

// ------------------------------------------------------------------ matches that change nothing

impl Described {
    pub fn passes_on(&self, n: Poll<u8>) -> Poll<u8> {
        match n {
            Poll::Ready(n) => Poll::Ready(n),
            Poll::Pending => Poll::Pending,
        }
    }
}

pub fn passes_on(n: Poll<u8>) -> Poll<u8> {
    match n {
        Poll::Ready(n) => Poll::Ready(n),
        Poll::Pending => Poll::Pending,
    }
}

pub async fn passes_on_later(n: Result<u8, u8>) -> Result<u8, u8> {
    let n = Ok(n?);
    if let Ok(n) = n { Ok(n) } else { n }
}

pub enum Choice {
    First,
    Second,
}

impl Default for Choice {
    fn default() -> Self {
        Self::First
    }
}
