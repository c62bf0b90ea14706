import Testing

import MemoryPlacement

@Suite struct PlacementTableTests {
  @Test func readsColumnsInAnyOrder() throws {
    let table = try PlacementTable(
      parsing: "size, lower,upper,id,offset\r\n64,0,3,e0.0.z,\r\n\r\n128,2,4,b,64\r\n", alignmentInBytes: 64)
    #expect(table.names == ["e0.0.z", "b"])
    #expect(table.lifetimes[0].fixedOffsetInBytes == nil)
    #expect(
      table.lifetimes[1]
        == Lifetime(
          id: 1, lower: 2, upper: 4, sizeInBytes: 128, alignmentInBytes: 64, fixedOffsetInBytes: 64))
  }

  @Test func roundTrip() throws {
    let text = "id,lower,upper,size\na,0,3,64\nb,-2,4,128\n"
    let table = try PlacementTable(parsing: text)
    #expect(table.text() == text)
    let placed = table.text(offsetsInBytes: [0, 64])
    #expect(placed == "id,lower,upper,size,offset\na,0,3,64,0\nb,-2,4,128,64\n")
    #expect(try PlacementTable(parsing: placed).text() == placed)
  }

  @Test(arguments: [
    ("", "line 1: found an empty table, expected the header id,lower,upper,size"),
    (
      "id,lower,upper,size,colour\n",
      "line 1: found column \"colour\", expected id, lower, upper, size and perhaps offset"
    ),
    (
      "id,lower,size\n",
      "line 1: found no column \"upper\", expected id, lower, upper, size and perhaps offset"
    ),
    ("id,lower,lower,upper,size\n", "line 1: found column \"lower\" twice, expected each column once"),
    ("id,lower,upper,size\na,0,3\n", "line 2: found 3 fields, expected 4 as in the first line"),
    ("id,lower,upper,size\n\na,0,x,4\n", "line 3: found upper \"x\", expected a whole number below 2^63"),
    ("id,lower,upper,size\na,3,3,4\n", "line 2: found upper 3, expected more than lower 3"),
    ("id,lower,upper,size\na,0,3,-4\n", "line 2: found size -4, expected 0 or more bytes"),
    (
      "id,lower,upper,size,offset\na,0,3,4,-8\n",
      "line 2: found offset -8, expected a multiple of 1, 0 or more"
    ),
    (
      "id,lower,upper,size\na,0,3,9223372036854775807\n",
      "line 2: found size 9223372036854775807, expected sizes that sum to less than 2^61 bytes"
    ),
    (
      "id,lower,upper,size\na,0,3,9223372036854775808\n",
      "line 2: found size \"9223372036854775808\", expected a whole number below 2^63"
    ),
  ])
  func mistakesNameTheLine(_ text: String, _ message: String) {
    #expect {
      try PlacementTable(parsing: text)
    } throws: { error in
      (error as? PlacementTable.Mistake)?.description == message
    }
  }

  @Test func extremeTimesAreFine() throws {
    let text = "id,lower,upper,size\na,\(Int.min),\(Int.max),8\nb,0,1,8\n"
    let lifetimes = try PlacementTable(parsing: text).lifetimes
    let placement = try #require(place(lifetimes))
    #expect(placement.arenaInBytes == 16)
    #expect(validate(placement, of: lifetimes) == [])
  }
}
