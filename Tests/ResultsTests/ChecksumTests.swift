import Results
import Testing

@Suite struct ChecksumTests {
    /// Vectors of the xxHash specification and of the reference implementation's self test (sanity buffer).
    @Test func knownAnswers() {
        #expect(XXH64.hash("") == 0xEF46_DB37_51D8_E999)
        #expect(XXH64.hash("a") == 0xD24E_C4F1_A98C_6E5B)
        #expect(XXH64.hash("abc") == 0x44BC_2CF5_AD77_0999)
        #expect(XXH64.hash("Nobody inspects the spammish repetition") == 0xFBCE_A83C_8A37_8BF1)
        var generator: UInt64 = 2_654_435_761
        let sanity = (0..<222).map { _ in
            let byte = UInt8(truncatingIfNeeded: generator >> 56)
            generator = generator &* 11_400_714_785_074_694_797
            return byte
        }
        func hash(_ count: Int, _ seed: UInt64) -> UInt64 {
            sanity[..<count].withUnsafeBytes { XXH64.hash($0, seed: seed) }
        }
        #expect(hash(1, 0) == 0xE934_A84A_DB05_2768)
        #expect(hash(1, 2_654_435_761) == 0x5014_6076_43A9_B4C3)
        #expect(hash(14, 0) == 0x8282_DCC4_994E_35C8)
        #expect(hash(14, 2_654_435_761) == 0xC3BD_6BF6_3DEB_6DF0)
        #expect(hash(222, 0) == 0xB641_AE8C_B691_C174)
        #expect(hash(222, 2_654_435_761) == 0x20CB_8AB7_AE10_C14A)
    }

    /// The check value of the CRC catalogue, zlib's values, and the sum taken in two parts.
    @Test func crc32() {
        func sum(_ text: String, before: UInt32 = 0) -> UInt32 {
            Array(text.utf8).withUnsafeBytes { CRC32.checksum($0, before: before) }
        }
        #expect(sum("") == 0)
        #expect(sum("123456789") == 0xCBF4_3926)
        #expect(sum("The quick brown fox jumps over the lazy dog") == 0x414F_A339)
        #expect(sum("over the lazy dog", before: sum("The quick brown fox jumps ")) == 0x414F_A339)
    }
}
