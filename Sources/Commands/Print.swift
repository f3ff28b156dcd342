import Coordinator

/// What commands print: as the standard library's, with what would steer a terminal made visible, and a process that ends
/// where its output cannot be written.
func print(_ text: String, terminator: String = "\n") { Console.write(Text.visible(text) + terminator) }
