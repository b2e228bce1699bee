//! What a release consists of: an archive with the binary and what belongs to it, and a Debian package of the same.
//!
//! ```text
//! target/package/stage/              the archive's folder: binary, man pages, completions, deploy/
//! target/package/ackline-V-T.tar.gz
//! target/package/ackline_V_A.deb     if `cargo deb` is there
//! ```

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{Step, cargo, cargo_command, root, status, stdout, target_dir};

/// Files and folders of the repository that go along.
const BESIDE: &[&str] = &["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "deploy"];
const SHELLS: &[(&str, &str)] = &[("bash", "ackline.bash"), ("zsh", "_ackline"), ("fish", "ackline.fish")];

/// `cargo xtask package [--target TRIPLE]`; static with a musl target.
pub(crate) fn run(options: &[String]) -> Step {
    let target = match options {
        [] => None,
        [flag, target] if flag == "--target" => Some(target.as_str()),
        _ => return Err("usage: cargo xtask package [--target TRIPLE]".to_owned()),
    };
    let chosen: Vec<&str> = target.map(|target| ["--target", target]).into_iter().flatten().collect();
    cargo(&[&["build", "--release", "--locked", "-p", "ackline-cli"], &chosen[..]].concat())?;
    let binary = target_dir().join(target.unwrap_or_default()).join("release/ackline");
    let out = root().join("target/package");
    stage(&out.join("stage"), &binary)?;
    let version = stdout(Command::new(&binary).arg("--version"))?;
    let version = version.split_whitespace().nth(1).ok_or("the binary does not tell its version")?;
    let name = format!("ackline-{version}-{}", target.unwrap_or("host"));
    let archive = out.join(format!("{name}.tar.gz"));
    let rename = format!("s,^stage,{name},");
    status(
        Command::new("tar")
            .arg("--transform")
            .arg(rename)
            .arg("-C")
            .arg(&out)
            .arg("-czf")
            .arg(&archive)
            .arg("stage"),
    )?;
    println!("{} ({} bytes)", archive.display(), size(&archive));
    debian(&out, &chosen)
}

/// A fresh folder with all that is installed.
fn stage(stage: &Path, binary: &Path) -> Step {
    let (man, completions) = (stage.join("man"), stage.join("completions"));
    if stage.exists() {
        fs::remove_dir_all(stage).map_err(|error| format!("{}: {error}", stage.display()))?;
    }
    for folder in [&man, &completions] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::copy(binary, stage.join("ackline")).map_err(|error| format!("{}: {error}", binary.display()))?;
    status(Command::new(binary).arg("man").arg(&man))?;
    for (shell, file) in SHELLS {
        let text = stdout(Command::new(binary).args(["completions", shell]))?;
        fs::write(completions.join(file), text).map_err(|error| format!("{file}: {error}"))?;
    }
    let beside = BESIDE.iter().map(|name| root().join(name));
    status(Command::new("cp").arg("-r").args(beside).arg(stage))
}

fn size(archive: &Path) -> u64 {
    fs::metadata(archive).map_or(0, |meta| meta.len())
}

/// The Debian package, whose files are named in `crates/ackline-cli/Cargo.toml`.
fn debian(out: &Path, chosen: &[&str]) -> Step {
    if stdout(cargo_command().args(["deb", "--version"])).is_err() {
        println!("no Debian package: `cargo install cargo-deb` makes that possible");
        return Ok(());
    }
    let mut deb = cargo_command();
    deb.args(["deb", "--no-build", "--locked", "-p", "ackline-cli", "--output"]).arg(out).args(chosen);
    status(&mut deb)
}
