//! Commands from arguments, and from lines of standard input.

use super::command::{Done, Failed, Screen};
use super::link::Link;
use super::options::{Options, unquoted};
use std::io::{self, BufRead, Read};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

/// Runs the command of the arguments, as often as asked for.
pub(super) fn arguments(options: &mut Options, link: &mut Link, screen: &Screen) -> ExitCode {
    if options.quoted_input
        && let Err(why) = unquote_all(&mut options.words)
    {
        println!("{why}");
        return ExitCode::FAILURE;
    }
    let words = match words(options) {
        Ok(words) => words,
        Err(why) => return failed(&why),
    };
    if let Err(why) = link.connect() {
        return failed(&why);
    }
    match repeated(&words, options, link, screen) {
        Ok(Done::Refused(text)) if options.strict => failed(&text),
        Ok(_) => ExitCode::SUCCESS,
        Err(Failed::Link(why)) => failed(&why),
        Err(Failed::Output) => ExitCode::FAILURE,
    }
}

fn failed(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

fn unquote_all(words: &mut [Vec<u8>]) -> Result<(), &'static str> {
    for word in words {
        *word = unquoted(word)?;
    }
    Ok(())
}

/// The command, with what standard input gives to it.
fn words(options: &mut Options) -> Result<Vec<Vec<u8>>, String> {
    let mut words = std::mem::take(&mut options.words);
    if options.stdin_last {
        words.push(standard_input()?);
    } else if let Some(tag) = &options.stdin_tag {
        let place = words.iter_mut().find(|word| *word == tag);
        *place.ok_or("Using -X option but stdin tag not match.")? = standard_input()?;
    }
    Ok(words)
}

fn standard_input() -> Result<Vec<u8>, String> {
    let mut input = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut input)
        .map_err(|error| format!("cannot read standard input: {error}"))?;
    Ok(input)
}

fn repeated(words: &[Vec<u8>], options: &Options, link: &mut Link, screen: &Screen) -> Result<Done, Failed> {
    let mut left = options.repeat;
    let mut done = Done::Fine;
    while left != 0 {
        done = screen.run(link, words, options.strict, &NEVER)?;
        screen.listen(link)?;
        if options.strict && done != Done::Fine {
            break;
        }
        left -= i64::from(left > 0);
        if left != 0 {
            std::thread::sleep(options.interval);
        }
    }
    Ok(done)
}

/// Runs the lines of standard input. A connection that cannot be made is tried again for every line.
pub(super) fn lines(link: &mut Link, screen: &Screen) -> ExitCode {
    if let Err(why) = link.connect() {
        eprintln!("{why}");
    }
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line) {
            Ok(0) => return ExitCode::SUCCESS,
            Err(error) => return failed(&format!("cannot read standard input: {error}")),
            Ok(_) => {}
        }
        match one_line(&line, link, screen) {
            Ok(true) => {}
            Ok(false) => return ExitCode::SUCCESS,
            Err(_) => return ExitCode::FAILURE,
        }
    }
}

/// Whether to go on.
fn one_line(line: &[u8], link: &mut Link, screen: &Screen) -> Result<bool, Failed> {
    let Some(words) = ackline_resp::words(line) else {
        super::command::print(b"Invalid argument(s)\n")?;
        return Ok(true);
    };
    let (times, words) = super::repetition(&words);
    let Some(first) = words.first() else { return Ok(true) };
    if first.eq_ignore_ascii_case(b"quit") || first.eq_ignore_ascii_case(b"exit") {
        return Ok(false);
    }
    for _ in 0..times {
        match run(words, link, screen) {
            Err(Failed::Link(why)) => {
                eprintln!("{why}");
                break;
            }
            other => other?,
        }
    }
    Ok(true)
}

fn run(words: &[Vec<u8>], link: &mut Link, screen: &Screen) -> Result<(), Failed> {
    if !link.is_connected() {
        link.connect()?;
    }
    screen.run(link, words, false, &NEVER)?;
    screen.listen(link)
}

/// Ctrl-C ends the process here.
static NEVER: AtomicBool = AtomicBool::new(false);
