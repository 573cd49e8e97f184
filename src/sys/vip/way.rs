//! How this process may change addresses and speak to the neighbours: by its capabilities, by programs that may,
//! or by sudo.

use crate::domain::vip::Place;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::clock::Deadline;
use crate::sys::exec::{Output, Program};
use crate::sys::hook::{Hook, HookValue};
use rustix::thread::{CapabilitySet, capabilities};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the site's command.
    Site,
    /// By this process's own capabilities.
    Capabilities,
    /// By a program that has the privilege itself (setuid, file capabilities).
    Program,
    /// By `sudo -n`.
    Sudo,
    /// Not at all: nothing of this is there.
    Nothing,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Site => "site command",
            Self::Capabilities => "capabilities",
            Self::Program => "privileged program",
            Self::Sudo => "sudo",
            Self::Nothing => "none",
        })
    }
}

/// A thing that needs a privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Changing addresses: CAP_NET_ADMIN, or `ip`.
    Change,
    /// Frames of our own: CAP_NET_RAW, or `arping`.
    Speak,
}

impl Deed {
    const fn capability(self) -> CapabilitySet {
        match self {
            Self::Change => CapabilitySet::NET_ADMIN,
            Self::Speak => CapabilitySet::NET_RAW,
        }
    }

    /// The program that does it for who may not.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Change => "ip",
            Self::Speak => "arping",
        }
    }
}

/// How long sudo may take to say what it allows, apart from the caller's deadline: its own name service may hang.
const SUDO_PATIENCE: Duration = Duration::from_secs(3);

/// The first of capabilities, privileged program and sudo that works for a deed; `args` are those of the program,
/// for sudo to tell.
pub fn find(deed: Deed, args: &[String], deadline: Deadline) -> Way {
    if capabilities(None).is_ok_and(|sets| sets.effective.contains(deed.capability())) {
        return Way::Capabilities;
    }
    let Some(path) = installed(deed.program()) else { return Way::Nothing };
    if is_privileged(&path) {
        return Way::Program;
    }
    let asked = Program::new("sudo").args(["-n", "-l", deed.program()]).args(args);
    match asked.run(deadline.at_most(SUDO_PATIENCE)) {
        Ok(output) if output.success() => Way::Sudo,
        Ok(_) | Err(_) => Way::Nothing,
    }
}

/// Where a program is: PATH first, then the folders of the administrator's programs, which a service's or an
/// ordinary user's PATH often lacks.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .chain(usual)
        .map(|dir| dir.join(name))
        .find(|p| p.is_file())
}

fn is_privileged(path: &Path) -> bool {
    /// The set-user-ID bit.
    const SETUID: u32 = 0o4000;
    let setuid = std::fs::metadata(path).is_ok_and(|m| m.uid() == 0 && m.mode() & SETUID != 0);
    let mut room = [0; 64];
    setuid || rustix::fs::getxattr(path, "security.capability", &mut room[..]).is_ok()
}

/// Runs the program of a deed in this way.
///
/// # Errors
/// [`Exit::LocalCommand`] when it cannot be started. That it fails is no error here.
pub fn run(deed: Deed, way: Way, args: &[String], deadline: Deadline) -> Result<Output> {
    let program = match way {
        Way::Sudo => Program::new("sudo").args(["-n", deed.program()]),
        Way::Site | Way::Capabilities | Way::Program | Way::Nothing => {
            Program::new(installed(deed.program()).unwrap_or_else(|| deed.program().into()))
        }
    };
    program.args(args).run(deadline)
}

/// Runs a command of the site for one address.
///
/// # Errors
/// [`Exit::BadConfig`] when the address cannot be put into it, [`Exit::LocalCommand`] when there is no shell.
pub fn site(setting: &str, command: &str, place: &Place, deadline: Deadline) -> Result<Output> {
    let values = [
        HookValue::new('i', "HG_REPMGR_VIP", place.vip.ip.to_string()),
        HookValue::new('c', "HG_REPMGR_CARD", place.card.clone()),
        HookValue { letter: None, variable: "HG_REPMGR_VIP_PREFIX", text: place.vip.prefix.to_string() },
    ];
    Hook::new(setting, command, &values)?.run(deadline)
}

/// The error of somebody who may not.
pub fn not_allowed(what: String, deed: Deed) -> Error {
    let (capability, rule) = match deed {
        Deed::Change => ("CAP_NET_ADMIN", "ip addr *"),
        Deed::Speak => ("CAP_NET_RAW", "arping *"),
    };
    let program = deed.program();
    Error::new(Exit::BadConfig, what)
        .detail(format!(
            "this process lacks {capability}, \"{program}\" is missing or not privileged, and \"sudo -n {program}\" \
             is not allowed"
        ))
        .hint(format!(
            "give the program both capabilities (AmbientCapabilities= in its systemd unit, or setcap \
             cap_net_admin,cap_net_raw+ep on the file), or allow this user \"NOPASSWD: {rule}\" in sudoers"
        ))
}
