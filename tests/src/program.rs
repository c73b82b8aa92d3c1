//! Child processes that end with their test.
//!
//! Invariant: a program started by [`Running`] is killed when its handle drops (also in a panic) and when the test's
//! process dies in any other way, `kill -9` included: a small shell between the two waits for the end of its input,
//! which the system closes whenever our process is gone.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// Runs "$@" until it ends or the shell's input does. `kill -9`: the real Jaeger takes 11 s to end on a `kill`.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null &
program=$!
(read -r _; kill -9 $program) <&3 &
watcher=$!
exec 3<&-
wait $program
status=$?
kill $watcher 2>/dev/null
exit $status
"#;

/// A program in the background, killed on drop; its output is kept only where the test panicked.
#[derive(Debug)]
pub struct Running {
    shell: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `program` with its output going to the file `log`.
    ///
    /// # Panics
    /// If no shell can be started or `log` cannot be written.
    pub fn start(program: &Path, arguments: &[String], environment: &[(&str, &str)], log: &Path) -> Running {
        let output = std::fs::File::create(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = output.try_clone().expect("a file handle can be cloned");
        let shell = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .expect("sh starts");
        Running { shell, log: log.to_owned() }
    }

    /// How the program ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.shell.try_wait().expect("a child can be asked for its state")
    }

    /// What the program has written so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of input makes the shell kill the program; its own end says that the program is gone.
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
        // Kept for whoever looks into a failure.
        if !std::thread::panicking() {
            let _ = std::fs::remove_file(&self.log);
        }
    }
}

/// Runs `command` to its end and gives its output; killed after `limit`.
///
/// # Panics
/// If it cannot be started, or has not ended within `limit` (what it wrote is in the message).
pub fn run(command: &mut Command, limit: Duration) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let mut stderr = child.stderr.take().expect("stderr is piped");
    // A thread for each pipe: a child that fills one while we read the other would wait for ever.
    let out = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.read_to_end(&mut bytes);
        bytes
    });
    let err = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.read_to_end(&mut bytes);
        bytes
    });
    let began = Instant::now();
    let status = crate::wait_for(limit, || child.try_wait().expect("a child can be asked for its state"));
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let output = |status| Output {
        status,
        stdout: out.join().expect("the reader of stdout does not panic"),
        stderr: err.join().expect("the reader of stderr does not panic"),
    };
    match status {
        Some(status) => output(status),
        None => {
            let output = output(ExitStatus::default());
            panic!(
                "{command:?} had not ended after {:?}\nstdout: {}\nstderr: {}",
                began.elapsed(),
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            )
        }
    }
}

/// Whether `name` can be started from the `PATH`.
pub(crate) fn on_path(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}
