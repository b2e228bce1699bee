//! The end-to-end scripts: each starts the real binary itself and drives it with a real client.

mod setup;

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::run::{Step, cargo, root, target_dir};
use setup::Tools;

/// The scripts give up by themselves before that.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(180);

/// The script that drives an example of the consumer library.
const MIXED_FLEET: &str = "mixed_fleet";

/// Not scripts, but what the scripts share.
const SHARED: &[&str] = &["console_browser", "console_images", "server"];

struct Script {
    name: String,
    path: PathBuf,
}

/// Runs all scripts, or those named.
pub(crate) fn run(names: &[String]) -> Step {
    println!("== end-to-end");
    let tools = setup::set_up(&root())?;
    let scripts = select(find(&root())?, names)?;
    if scripts.iter().any(|script| script.name == MIXED_FLEET) {
        cargo(&["build", "-p", "ackline-consumer", "--example", "faststream"])?;
    }
    let outcomes: Vec<bool> = scripts.iter().map(|script| report(&tools, script)).collect();
    let passed = outcomes.iter().filter(|&&ok| ok).count();
    let failed = outcomes.len() - passed;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("end-to-end result: {verdict}. {passed} passed; {failed} failed");
    if failed == 0 { Ok(()) } else { Err(format!("{failed} end-to-end scripts failed")) }
}

/// Every script there is: a new one needs no registration.
fn find(root: &Path) -> Result<Vec<Script>, String> {
    let mut scripts = Vec::new();
    for (dir, extension) in [("tests/e2e", "py"), ("tests/e2e/node", "mjs")] {
        let entries = fs::read_dir(root.join(dir)).map_err(|error| format!("{dir}: {error}"))?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        scripts
            .extend(paths.filter(|path| path.extension().is_some_and(|e| e == extension)).filter_map(script));
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    if scripts.is_empty() { Err("no end-to-end scripts found".to_owned()) } else { Ok(scripts) }
}

fn script(path: PathBuf) -> Option<Script> {
    let name = path.file_stem()?.to_str()?.to_owned();
    (!SHARED.contains(&name.as_str())).then_some(Script { name, path })
}

fn select(scripts: Vec<Script>, names: &[String]) -> Result<Vec<Script>, String> {
    if let Some(unknown) = names.iter().find(|name| scripts.iter().all(|script| script.name != **name)) {
        return Err(format!("no end-to-end script is called {unknown}"));
    }
    Ok(scripts.into_iter().filter(|script| names.is_empty() || names.contains(&script.name)).collect())
}

fn report(tools: &Tools, script: &Script) -> bool {
    let outcome = run_script(tools, script);
    match &outcome {
        Ok(checks) => println!("e2e {} ... ok ({checks} checks)", script.name),
        Err(message) => println!("e2e {} ... FAILED\n{message}", script.name),
    }
    outcome.is_ok()
}

/// Runs one script and gives the number of its checks.
fn run_script(tools: &Tools, script: &Script) -> Result<usize, String> {
    let path = tools.logs.join(format!("{}.log", script.name));
    let log = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let errors = log.try_clone().map_err(|error| error.to_string())?;
    let mut command = script_command(tools, script);
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    let mut child = command.spawn().map_err(|error| format!("{} did not start: {error}", script.name))?;
    let status = wait(&mut child);
    kill_group(&child);
    let output = fs::read_to_string(&path).unwrap_or_default();
    match (status, checks(&output)) {
        (Ok(status), Some(count)) if status.success() && count > 0 => Ok(count),
        (Ok(status), _) => Err(format!("{output}{status}")),
        (Err(message), _) => Err(format!("{output}{message}")),
    }
}

fn script_command(tools: &Tools, script: &Script) -> Command {
    let is_python = script.path.extension().is_some_and(|extension| extension == "py");
    let mut command = Command::new(if is_python { &tools.python } else { &tools.node });
    command.arg(&script.path).env("ACKLINE_BIN", target_dir().join("debug/ackline"));
    command.env("ACKLINE_EXAMPLES", target_dir().join("debug/examples"));
    // These are for developing the scripts; a run that counts leaves nothing out.
    command.env_remove("ACKLINE_PEER").env_remove("ACKLINE_ARGS");
    command.env("PYTHONDONTWRITEBYTECODE", "1").process_group(0);
    command
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    let deadline = Instant::now() + SCRIPT_TIMEOUT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() > deadline => {
                kill_group(child);
                let _ = child.wait();
                return Err(format!("it took longer than {} s", SCRIPT_TIMEOUT.as_secs()));
            }
            Ok(None) => sleep(Duration::from_millis(20)),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// A script that was cut off leaves its server behind; both are in the script's own process group.
fn kill_group(child: &Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
}

/// The closing line of a script: `N checks`.
fn checks(output: &str) -> Option<usize> {
    output.trim_end().lines().last()?.strip_suffix(" checks")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_is_the_count() {
        assert_eq!(checks("a warning\n12 checks\n"), Some(12));
        assert_eq!(checks("12 checks\nTraceback\n"), None);
        assert_eq!(checks(""), None);
    }

    #[test]
    fn the_scripts_are_found() {
        let names: Vec<String> = find(&root()).unwrap().into_iter().map(|script| script.name).collect();
        for name in [
            "console",
            "faststream_app",
            "ioredis",
            MIXED_FLEET,
            "node_redis",
            "redis_cli",
            "redis_py",
            "redis_py_asyncio",
        ] {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
        assert!(names.iter().all(|name| name != "server"));
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let scripts = find(&root()).unwrap();
        assert!(select(scripts, &["nothing".to_owned()]).is_err());
        assert_eq!(select(find(&root()).unwrap(), &["ioredis".to_owned()]).unwrap().len(), 1);
    }
}
