// A program that had much, gave it back to the system, and goes on idle.
package main

import (
	"runtime/debug"
	"time"
)

func main() {
	blocks := make([][]byte, 0, 600)
	for i := 0; i < 600; i++ {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		blocks = append(blocks, block)
	}
	for i := 10; i < len(blocks); i++ {
		blocks[i] = nil
	}
	debug.FreeOSMemory()
	time.Sleep(6 * time.Second)
	blocks[0][0]++
}
