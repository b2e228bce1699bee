//! What `--help` prints.

pub(super) const USAGE: &str = "\
Usage: ackline cli [OPTIONS] [command [argument ...]]

Runs a command on a server that speaks the Redis protocol and prints its answer. Without a command it is interactive;
lines of standard input are commands if that is no terminal. The options are those of redis-cli.

Where
  -h HOST, -p PORT       127.0.0.1 and 6379 by default
  -s PATH                a socket in the file system
  -u URL                 redis[s]://[user:password@]host[:port][/db] or unix:///path; ACKLINE_URL or REDIS_URL by default
  -n NUMBER              database
  -c                     accepted; no redirection of a cluster is followed
  -t SECONDS             to wait for a connection
  --tls                  encrypted, with
      --cacert FILE, --cacertdir DIR   authorities to trust, instead of the machine's
      --cert FILE, --key FILE          our own certificate
      --sni NAME                       the name that the server shows
      --insecure                       whoever answers is trusted
Who
  -a WORD, --pass WORD   password; better in REDISCLI_AUTH
  --user NAME            user
  --askpass              asks for the password
  --no-auth-warning      nothing is said of passwords on the command line
  --name NAME            name of the connection
What
  -r N, -i SECONDS       N times (-1 = for ever), with a pause
  -x                     the last argument is standard input
  -X TAG                 the argument TAG is standard input
  --quoted-input         arguments are quoted as in a line of the interactive mode
  -e                     exit status 1 if the server refuses
  -2, -3                 version of the protocol
How
  --raw, --no-raw        bytes as they are (default unless at a terminal), or with types and quotes
  --json, --quoted-json  JSON, with characters beyond ASCII or without
  --csv                  one line
  --table                tables for entries, groups, consumers and pending entries
  -d TEXT, -D TEXT       what separates elements, and ends replies, with --raw
  --show-pushes yes|no   what the server says unasked
  --verbose
Instead of a command
  --scan                 all keys; --pattern P, --quoted-pattern P, --count N
  --bigkeys, --memkeys   the biggest keys of each type
  --stat                 a line of numbers a second (-i)
  --latency              how long PING takes
  --pipe                 sends standard input as it is and counts the replies; --pipe-timeout SECONDS (30; 0 = none)
  --help, --version

Interactive: Tab completes, what is still to be typed stands in grey. help COMMAND, help @GROUP, N COMMAND (N times),
connect HOST PORT, clear, quit; :set hints|nohints, :set table on|off. Ctrl-C ends a wait, Ctrl-D the session.
";
