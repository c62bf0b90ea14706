/// RFC 4648.
func base64(_ data: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var out: [UInt8] = []
  out.reserveCapacity((data.count + 2) / 3 * 4)
  for i in stride(from: 0, to: data.count, by: 3) {
    let left = min(3, data.count - i)
    var word = UInt32(data[i]) << 16
    if left > 1 { word |= UInt32(data[i + 1]) << 8 }
    if left > 2 { word |= UInt32(data[i + 2]) }
    for place in 0..<4 {
      out.append(place <= left ? alphabet[Int(word >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "="))
    }
  }
  return String(decoding: out, as: UTF8.self)
}
