#if canImport(Glibc)
  import Glibc
#endif

/// This executable once more, with other arguments, and pipes to its standard input and output. Whatever a driver does
/// to it stays there.
final class ChildProcess {
  let output: Int32
  private let input: Int32
  private let identifier: pid_t
  private var buffer: [UInt8] = []

  init(_ arguments: [String]) throws {
    signal(SIGPIPE, SIG_IGN)  // a child that died shows in what it answers
    let (childInput, input) = try Self.pipe()
    let (output, childOutput) = try Self.pipe()
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, childInput, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, childOutput, STDOUT_FILENO)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var words: [UnsafeMutablePointer<CChar>?] = (["voxcl"] + arguments).map { strdup($0) } + [nil]
    defer { words.forEach { free($0) } }
    var identifier: pid_t = 0
    let status = posix_spawn(&identifier, "/proc/self/exe", &actions, nil, &words, environ)
    close(childInput)
    close(childOutput)
    guard status == 0 else {
      close(input)
      close(output)
      throw UserError("a helper process could not be started: \(String(cString: strerror(status)))")
    }
    self.identifier = identifier
    self.input = input
    self.output = output
  }

  /// The end to read from and the end to write to, neither of which other children inherit.
  private static func pipe() throws -> (Int32, Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw UserError("a helper process: no pipe could be made") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  func send(_ line: String) {
    Array("\(line)\n".utf8).withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let more = Glibc.write(input, bytes.baseAddress! + done, bytes.count - done)
        if more <= 0 { return }
        done += more
      }
    }
  }

  /// Lines that have come since; nil once the child has closed its output. Waits where there is nothing.
  func lines() -> [String]? {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = Glibc.read(output, &chunk, chunk.count)
    guard count > 0 else { return nil }
    buffer += chunk[..<count]
    guard let end = buffer.lastIndex(of: 10) else { return [] }
    defer { buffer.removeSubrange(...end) }
    return buffer[..<end].split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Ends the child, if it has not ended, and says how it did: `signal 11`, `exit status 1`.
  @discardableResult
  func end(kill: Bool = false) -> String {
    close(input)
    close(output)
    if kill { Glibc.kill(identifier, SIGKILL) }
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? "exit status \((status >> 8) & 0xff)" : "signal \(signal)"
  }
}
