/// Buffers as rows of `id,lower,upper,size` and, optionally, `offset`: the format of MiniMalloc's
/// instances.
///
/// Columns may stand in any order; their names are in the first line. `[lower, upper)` is half-open. Sizes
/// and offsets are bytes. In a problem, an offset fixes the buffer; an empty field leaves it free.
public struct PlacementTable: Sendable, Equatable {
  /// The `id` column: any text without comma, quote or line break.
  public var names: [String]
  /// `id` is the row's number, from 0.
  public var lifetimes: [Lifetime]

  public init(names: [String], lifetimes: [Lifetime]) {
    precondition(names.count == lifetimes.count, "internal: one name a lifetime")
    self.names = names
    self.lifetimes = lifetimes
  }

  /// A line that is not understood: its number from 1, what stands there, and what should.
  public struct Mistake: Error, Equatable, CustomStringConvertible {
    public var line: Int
    public var found: String
    public var expected: String
    public var description: String { "line \(line): found \(found), expected \(expected)" }
  }

  /// Reads a table.
  ///
  /// - Parameter alignmentInBytes: alignment of every row, between 1 and 2^30.
  /// - Throws: ``Mistake``; every table that is returned is sound for
  ///   ``place(_:capacityInBytes:nodeLimit:)``.
  public init(parsing text: String, alignmentInBytes: Int = 1) throws(Mistake) {
    precondition((1...1 << 30).contains(alignmentInBytes), "internal: alignment between 1 and 2^30")
    names = []
    lifetimes = []
    var columns: Columns?
    var number = 0
    var headroom = Int.max / 4
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      number += 1
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
      guard fields != [""] else { continue }
      guard let columns else {
        columns = try Columns(fields, line: number)
        continue
      }
      guard fields.count == columns.count else {
        throw Mistake(
          line: number, found: "\(fields.count) fields", expected: "\(columns.count) as in the first line")
      }
      let lower = try integer(fields[columns.lower], "lower", line: number)
      let upper = try integer(fields[columns.upper], "upper", line: number)
      guard lower < upper else {
        throw Mistake(line: number, found: "upper \(upper)", expected: "more than lower \(lower)")
      }
      let size = try integer(fields[columns.size], "size", line: number)
      guard size >= 0 else {
        throw Mistake(line: number, found: "size \(size)", expected: "0 or more bytes")
      }
      var offset: Int?
      if let column = columns.offset, fields[column] != "" {
        let value = try integer(fields[column], "offset", line: number)
        guard value >= 0 && value % alignmentInBytes == 0 else {
          throw Mistake(
            line: number, found: "offset \(value)", expected: "a multiple of \(alignmentInBytes), 0 or more")
        }
        offset = value
      }
      for part in [size, 2 * alignmentInBytes, offset ?? 0] {
        headroom = headroom.subtractingReportingOverflow(part).partialValue
        guard headroom >= 0 else {
          throw Mistake(
            line: number, found: "size \(size)", expected: "sizes that sum to less than 2^61 bytes")
        }
      }
      names.append(String(fields[columns.id]))
      lifetimes.append(
        Lifetime(
          id: lifetimes.count, lower: lower, upper: upper, sizeInBytes: size,
          alignmentInBytes: alignmentInBytes, fixedOffsetInBytes: offset))
    }
    guard columns != nil else {
      throw Mistake(line: 1, found: "an empty table", expected: "the header id,lower,upper,size")
    }
  }

  /// The table as text; with offsets (one a row, in bytes) it has an `offset` column.
  public func text(offsetsInBytes: [Int]? = nil) -> String {
    precondition(
      offsetsInBytes == nil || offsetsInBytes?.count == lifetimes.count, "internal: one offset a row")
    let fixed = lifetimes.contains { $0.fixedOffsetInBytes != nil }
    let hasOffsets = offsetsInBytes != nil || fixed
    var text = hasOffsets ? "id,lower,upper,size,offset\n" : "id,lower,upper,size\n"
    for (row, lifetime) in lifetimes.enumerated() {
      text += "\(names[row]),\(lifetime.lower),\(lifetime.upper),\(lifetime.sizeInBytes)"
      if hasOffsets {
        let offset = offsetsInBytes?[row] ?? lifetime.fixedOffsetInBytes
        text += "," + (offset.map(String.init) ?? "")
      }
      text += "\n"
    }
    return text
  }

  /// Where each column stands.
  private struct Columns {
    var id, lower, upper, size: Int
    var offset: Int?
    var count: Int

    init(_ fields: [Substring], line: Int) throws(Mistake) {
      for (index, field) in fields.enumerated() {
        guard ["id", "lower", "upper", "size", "offset"].contains(field) else {
          throw Mistake(
            line: line, found: "column \"\(field)\"", expected: "id, lower, upper, size and perhaps offset")
        }
        guard fields.firstIndex(of: field) == index else {
          throw Mistake(line: line, found: "column \"\(field)\" twice", expected: "each column once")
        }
      }
      func required(_ name: Substring) throws(Mistake) -> Int {
        guard let index = fields.firstIndex(of: name) else {
          throw Mistake(
            line: line, found: "no column \"\(name)\"", expected: "id, lower, upper, size and perhaps offset")
        }
        return index
      }
      id = try required("id")
      lower = try required("lower")
      upper = try required("upper")
      size = try required("size")
      offset = fields.firstIndex(of: "offset")
      count = fields.count
    }
  }
}

private func trimmed(_ field: Substring) -> Substring {
  var field = field
  while let first = field.first, first == " " || first == "\t" || first == "\u{FEFF}" { field.removeFirst() }
  while let last = field.last, last == " " || last == "\t" { field.removeLast() }
  return field
}

private func integer(
  _ field: Substring, _ column: String, line: Int
) throws(PlacementTable.Mistake) -> Int {
  guard let value = Int(field) else {
    throw PlacementTable.Mistake(
      line: line, found: "\(column) \"\(field)\"", expected: "a whole number below 2^63")
  }
  return value
}
