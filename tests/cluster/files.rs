//! Files of a host.

use super::host::Host;

impl Host {
    /// The text of a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let seen = self.seen_from_here(path);
        std::fs::read_to_string(&seen).unwrap_or_else(|e| panic!("{}: {path}: {e}", self.name))
    }

    /// Is there a file or a folder of this name?
    pub fn exists(&self, path: &str) -> bool {
        self.seen_from_here(path).exists()
    }

    /// Writes a file as the user postgres, readable by that user alone.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        let script = format!("umask 077; cat >'{path}'");
        self.command(&["sh", "-c", &script]).input(text).run().ok();
    }

    /// Appends to a file as the user postgres.
    #[track_caller]
    pub fn append(&self, path: &str, text: &str) {
        let script = format!("umask 077; cat >>'{path}'");
        self.command(&["sh", "-c", &script]).input(text).run().ok();
    }

    /// Writes `repmgr.conf` with what every node needs, then `extra`, and returns its path.
    #[track_caller]
    pub fn write_conf(&self, extra: &str) -> String {
        let (conf, bindir) = (self.conf_path(), self.postgres.bindir.display());
        let text = format!(
            "node_id={}\nnode_name='{}'\nconninfo='{}'\ndata_directory='{}'\npg_bindir='{bindir}'\n\
             repmgr_bindir='{}'\n{extra}\n",
            self.id,
            self.name,
            self.conninfo(),
            self.data_directory(),
            self.path("bin"),
        );
        self.write(&conf, &text);
        conf
    }

    /// Prints the ends of its logs, for a test that failed.
    pub fn show_logs(&self) {
        for path in [self.log_path(), self.path("repmgrd.log"), "/run/sshd.log".to_owned()] {
            if let Ok(text) = std::fs::read_to_string(self.seen_from_here(&path)) {
                let lines: Vec<_> = text.lines().collect();
                let tail = &lines[lines.len().saturating_sub(15)..];
                eprintln!("--- end of {path} on {}\n{}", self.name, tail.join("\n"));
            }
        }
    }
}
