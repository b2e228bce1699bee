//! A word with a server, without a client library.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Runs one command over a new connection. Errors begin with `-`, arrays are lines.
pub(crate) fn ask(port: u16, words: &[&str]) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(command.as_bytes())?;
    answer(&mut BufReader::new(stream))
}

fn answer(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let count = || line[1..].parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
    match line.as_bytes().first() {
        Some(b'+' | b':') => Ok(line[1..].to_owned()),
        Some(b'$') if count()? >= 0 => {
            let mut text = vec![0; count()? as usize + 2];
            from.read_exact(&mut text)?;
            text.truncate(text.len() - 2);
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Some(b'*') => {
            let all: io::Result<Vec<_>> = (0..count()?).map(|_| answer(from)).collect();
            Ok(all?.join("\n"))
        }
        Some(b'-') => Ok(line.to_owned()),
        _ => Ok(String::new()),
    }
}
