//! What every log keeps, whatever it is made of.

use crate::{Log, Lsn};

/// Everything that `log` holds.
pub fn contents(log: &dyn Log) -> Vec<(Lsn, Vec<u8>)> {
    let mut all = Vec::new();
    log.read(0, &mut |lsn, batch| all.push((lsn, batch.to_vec()))).expect("the log is readable");
    all
}

/// Runs the suite on an empty log.
pub fn run(log: &dyn Log) {
    assert_eq!((log.last(), log.durable().lsn()), (0, 0));
    let batches: Vec<Vec<u8>> = (0..200usize).map(|n| vec![n as u8; n * 7 % 300]).collect();
    for (n, batch) in batches.iter().enumerate() {
        assert_eq!(log.append(batch), n as u64 + 1, "positions count batches");
    }
    assert!(log.durable().wait(200, None));
    assert!(log.durable().lsn() >= 200);
    let expected: Vec<(Lsn, Vec<u8>)> = (1..).zip(batches).collect();
    assert_eq!(contents(log), expected, "what was appended is read back in order");
    let mut tail = Vec::new();
    log.read(150, &mut |lsn, _| tail.push(lsn)).expect("the log is readable");
    assert_eq!(tail, (151..=200).collect::<Vec<_>>());
    let epoch = log.fence().expect("a healthy log can be fenced");
    assert!(log.fence().expect("a healthy log can be fenced") >= epoch);
    assert_eq!(log.append(b"after the fence"), 201);
    assert!(log.durable().wait(201, None));
    assert_eq!(contents(log).len(), 201);
    log.truncate(100).expect("a healthy log can be truncated");
    let rest = contents(log);
    assert_eq!(rest.last().map(|(lsn, _)| *lsn), Some(201), "truncation keeps what came later");
    assert!(rest.iter().any(|(lsn, _)| *lsn == 101), "truncation keeps what it was not asked to forget");
    log.close().expect("a healthy log closes");
}
