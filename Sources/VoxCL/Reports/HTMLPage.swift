/// The frame of every report: one file, no network, readable in light and dark.
enum HTMLPage {
  static func text(title: String, subtitle: String, body: String) -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8">
    <meta name="viewport" content="width=device-width,initial-scale=1">
    <title>\(escaped(title))</title><style>\(style)</style></head>
    <body><header><h1>\(escaped(title))</h1><p>\(escaped(subtitle))</p></header>
    <main>\(body)</main><script>\(script)</script></body></html>

    """
  }

  /// Figures that a reader looks for first.
  static func cards(_ cards: [(title: String, value: String, note: String)]) -> String {
    "<section class=\"cards\">"
      + cards.map {
        "<div><small>\(escaped($0.title))</small><b>\(escaped($0.value))</b>"
          + "<span>\(escaped($0.note))</span></div>"
      }.joined() + "</section>"
  }

  static func section(_ title: String, _ body: String, note: String = "") -> String {
    "<section><h2>\(escaped(title))</h2>" + (note.isEmpty ? "" : "<p class=\"note\">\(escaped(note))</p>")
      + body
      + "</section>"
  }

  /// A table that sorts by the column whose head is clicked. Cells are text; `values` are what numbers sort
  /// by.
  static func table(_ header: [String], _ rows: [[String]], numbersFrom firstNumber: Int) -> String {
    let head = header.enumerated().map { "<th\($0 >= firstNumber ? " class=\"n\"" : "")>\(escaped($1))</th>" }
    let body = rows.map { row in
      "<tr>"
        + row.enumerated().map { "<td\($0 >= firstNumber ? " class=\"n\"" : "")>\(escaped($1))</td>" }
        .joined()
        + "</tr>"
    }
    return "<div class=\"scroll\"><table class=\"sortable\"><thead><tr>\(head.joined())</tr></thead>"
      + "<tbody>\(body.joined(separator: "\n"))</tbody></table></div>"
  }

  private static let style = """
    :root{--ink:#1d2733;--soft:#5d6b7a;--line:#dfe5ec;--page:#f5f7fa;--card:#fff;--accent:#0072b2}
    @media(prefers-color-scheme:dark){:root{--ink:#e4eaf1;--soft:#93a1b1;--line:#2c3744;--page:#12171e;
    --card:#1a212b;--accent:#56b4e9}}
    *{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
    font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
    header{padding:30px 36px 6px}header h1{margin:0;font-size:26px;letter-spacing:-.01em}
    header p{margin:4px 0 0;color:var(--soft)}
    main{padding:12px 36px 48px;max-width:1320px}section{margin:22px 0}h2{font-size:18px;margin:0 0 10px}
    .note{color:var(--soft);margin:-6px 0 12px;max-width:95ch}
    .cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(168px,1fr));gap:12px}
    .cards div,.chart,.panel{background:var(--card);border:1px solid var(--line);border-radius:10px;
    padding:14px 16px}
    .cards small{display:block;color:var(--soft);font-size:12.5px}
    .cards b{display:block;font-size:23px;font-weight:650;letter-spacing:-.01em;
    font-variant-numeric:tabular-nums}.cards span{color:var(--soft);font-size:12.5px}
    .grid2{display:grid;grid-template-columns:repeat(auto-fit,minmax(430px,1fr));gap:14px}figure{margin:0}
    figcaption{font-weight:600;margin-bottom:6px}
    .chart svg{width:100%;height:auto;display:block}.grid{stroke:var(--line);stroke-width:1}
    .tick{fill:var(--soft);font-size:11.5px}.mark{stroke:#d55e00;stroke-width:1.5;stroke-dasharray:5 4}
    .marktext{fill:#d55e00;font-size:12px;font-weight:600}
    .legend{margin:8px 0 0;color:var(--soft);font-size:13px;display:flex;flex-wrap:wrap;gap:4px 16px}
    .legend i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;
    vertical-align:-1px}
    .empty{color:var(--soft)}.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);
    border-radius:10px}
    table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
    th,td{padding:6px 12px;text-align:left;border-bottom:1px solid var(--line);white-space:nowrap}
    th{color:var(--soft);font-weight:600;position:sticky;top:0;background:var(--card)}
    .sortable th{cursor:pointer}.n{text-align:right}tbody tr:last-child td{border-bottom:0}
    tbody tr:hover{background:color-mix(in srgb,var(--accent) 7%,transparent)}
    .case{margin-bottom:14px}.case h3{margin:0 0 8px;font-size:15px}
    .case h3 small{font-weight:400;color:var(--soft);margin-left:10px}
    .slices{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}
    .slice{background:#000;border-radius:6px;max-width:100%;height:auto}
    .toggles{margin:0 0 4px;color:var(--soft)}.legend+.case{margin-top:10px}
    .toggles label{margin-right:16px}.hide-label .label,.hide-prediction .prediction{display:none}
    pre{overflow:auto;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px;
    font-size:12.5px;max-height:520px}summary{cursor:pointer;font-weight:600}
    .arena{display:block;width:100%;height:auto}.arena rect:hover{stroke:var(--ink);stroke-width:1.2}
    """

  private static let script = """
    document.querySelectorAll('table.sortable th').forEach(function(th){
    th.addEventListener('click',function(){
    var table=th.closest('table'),body=table.tBodies[0],i=th.cellIndex,down=th.dataset.down!=='1';
    table.querySelectorAll('th').forEach(function(o){delete o.dataset.down});th.dataset.down=down?'1':'0';
    function key(row){var text=row.cells[i].textContent.trim(),n=parseFloat(text);return isNaN(n)?text:n}
    Array.from(body.rows).sort(function(a,b){var x=key(a),y=key(b),
    c=typeof x==='number'&&typeof y==='number'?x-y:String(x).localeCompare(String(y));
    return down?-c:c}).forEach(function(row){body.appendChild(row)})})});
    document.querySelectorAll('.toggles input').forEach(function(box){
    box.addEventListener('change',function(){document.body.classList.toggle('hide-'+box.value,!box.checked)})});
    """
}

/// 1536 → "1.5 KiB".
func byteCount(_ bytes: Int) -> String {
  var value = Double(bytes)
  for unit in ["B", "KiB", "MiB", "GiB"] {
    if value < 1024 || unit == "GiB" {
      return "\(fixed(value, unit == "B" ? 0 : value < 10 ? 2 : 1)) \(unit)"
    }
    value /= 1024
  }
  return "\(bytes) B"
}

/// A number with a fixed count of decimals; "–" where it is not finite.
func fixed(_ value: Double?, _ decimals: Int) -> String {
  guard let value, value.isFinite, abs(value) < 1e14 else { return "–" }
  let scale = (0..<decimals).reduce(1.0) { s, _ in s * 10 }
  let digits = String(Int((abs(value) * scale).rounded()))
  let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
  let sign = value < 0 && (abs(value) * scale).rounded() > 0 ? "-" : ""
  return sign + padded.dropLast(decimals) + (decimals > 0 ? "." + padded.suffix(decimals) : "")
}
