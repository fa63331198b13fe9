//! Builds C programs as a user does: from the installed files, with pkg-config.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// An installation of the library by `install.sh`, removed when dropped.
pub(crate) struct Installed {
    dir: TempDir,
}

impl Installed {
    /// Installs the build of this cargo profile into a temporary directory.
    pub(crate) fn new(profile: &str) -> Installed {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path(), "", profile);
        Installed { dir }
    }

    pub(crate) fn prefix(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn shared_library(&self) -> PathBuf {
        self.prefix().join("lib/librockon_sync.so")
    }

    /// Returns the flags that pkg-config prints for the library.
    pub(crate) fn flags(&self, options: &[&str]) -> Vec<String> {
        let mut pkg_config = tool("pkg-config");
        pkg_config.env("PKG_CONFIG_PATH", self.prefix().join("lib/pkgconfig"));
        let output = succeed(pkg_config.args(options).arg("rockon-sync"));
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// Compiles C files, and links them with the shared library unless `options` have `-c`.
    pub(crate) fn compile(&self, files: &[PathBuf], out: &Path, options: &[&str]) {
        let mut cc = tool("cc");
        cc.args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-g", "-Wall", "-Wextra", "-Wpedantic"]);
        cc.arg("-Werror").args(options).arg("-o").arg(out).args(files);
        cc.args(self.flags(&["--cflags", "--libs"])).arg("-pthread");
        succeed(&mut cc);
    }

    /// Returns a command that loads the installed library.
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
    // Test runners set these variables. The build script of a dependency watches them, so that cargo
    // would compile half of the library again.
    for (name, _) in std::env::vars() {
        let is_watched = ["CARGO_MANIFEST_DIR", "OUT_DIR"].contains(&&*name);
        if is_watched || name.starts_with("CARGO_PKG_") {
            command.env_remove(name);
        }
    }
    succeed(command.arg(prefix).arg(destdir).env("PROFILE", profile));
}

/// Returns a command for a required program.
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
/// With its output if it fails.
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
