//! Builds C programs as a user would: from the installed files, with pkg-config.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The library as `install.sh` lays it down, for as long as the value lives.
pub(crate) struct Installed {
    folder: TempDir,
}

impl Installed {
    /// Installs what this cargo profile builds into a folder of its own.
    pub(crate) fn new(profile: &str) -> Installed {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "", profile);
        Installed { folder }
    }

    pub(crate) fn prefix(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn shared_library(&self) -> PathBuf {
        self.prefix().join("lib/librockon_sync.so")
    }

    /// What pkg-config says for the library.
    pub(crate) fn flags(&self, options: &[&str]) -> Vec<String> {
        let mut pkg_config = tool("pkg-config");
        pkg_config.env("PKG_CONFIG_PATH", self.prefix().join("lib/pkgconfig"));
        let output = succeed(pkg_config.args(options).arg("rockon-sync"));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Compiles and links one C file with the shared library.
    pub(crate) fn compile(&self, source: &Path, program: &Path, options: &[&str]) {
        let mut cc = tool("cc");
        cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-g", "-Wall", "-Wextra", "-Wpedantic"]);
        cc.arg("-Werror").args(options).arg("-o").arg(program).arg(source);
        cc.args(self.flags(&["--cflags", "--libs"])).arg("-pthread");
        succeed(&mut cc);
    }

    /// A command that finds the installed library when it loads it.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", self.prefix().join("lib"));
        command
    }
}

/// Runs `install.sh`.
pub(crate) fn install(prefix: &Path, destdir: &str, profile: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh");
    let mut command = Command::new(script);
    succeed(command.arg(prefix).arg(destdir).env("PROFILE", profile));
}

/// A program that the tests cannot do without.
///
/// # Panics
/// If it is not installed.
pub(crate) fn tool(name: &str) -> Command {
    let found = Command::new(name).arg("--version").output();
    assert!(
        found.is_ok(),
        "`{name}` is missing: the C tests need cc, c++, nm, pkg-config, valgrind"
    );
    Command::new(name)
}

/// Runs a command that must succeed.
///
/// # Panics
/// With what it printed, if it does not.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}
