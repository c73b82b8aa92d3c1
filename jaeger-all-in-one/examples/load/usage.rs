//! CPU time and resident memory of a process, from `/proc` (Linux).

/// CPU time in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// The program's own code.
    pub(crate) user: f64,
    /// The kernel's, for the program.
    pub(crate) system: f64,
}

impl Cpu {
    /// Both.
    pub(crate) fn all(self) -> f64 {
        self.user + self.system
    }

    /// What was used after `before`.
    pub(crate) fn since(self, before: Cpu) -> Cpu {
        Cpu { user: self.user - before.user, system: self.system - before.system }
    }
}

/// CPU time of a process so far.
pub(crate) fn cpu(pid: u32) -> Cpu {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process that runs");
    // The name, in parentheses, may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    // USER_HZ is 100 on every Linux that Rust supports.
    let seconds = |field: &str| field.parse::<f64>().expect("ticks") / 100.0;
    Cpu { user: seconds(fields[11]), system: seconds(fields[12]) }
}

/// Resident bytes of a process.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process that runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("kB") << 10
}
