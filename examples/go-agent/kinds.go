package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
)

// A handler does the tasks of one kind. It ends soon after its context does. A badInput is final; after any other error
// the task may be tried again.
type handler func(ctx context.Context, input []byte, progress func(fraction float64)) (any, error)

type badInput struct{ problem string }

func (e badInput) Error() string { return e.problem }

// The kinds of task that this agent takes. Add yours here.
var handlers = map[string]handler{
	"go-words":  countWords,
	"go-primes": countPrimes,
}

// countWords: {"text": "to be or not to be"} gives {"words": 6, "distinct": 4}.
func countWords(_ context.Context, input []byte, _ func(float64)) (any, error) {
	var fields struct {
		Text *string `msgpack:"text"`
	}
	if err := msgpack.Unmarshal(input, &fields); err != nil || fields.Text == nil {
		return nil, badInput{`the input is {"text": some text}`}
	}
	words := strings.Fields(*fields.Text)
	distinct := map[string]bool{}
	for _, word := range words {
		distinct[word] = true
	}
	return map[string]int{"words": len(words), "distinct": len(distinct)}, nil
}

// countPrimes: {"below": 100} gives 25. Slow on purpose, by trial division: it shows progress, timeout and cancellation.
func countPrimes(ctx context.Context, input []byte, progress func(float64)) (any, error) {
	var fields struct {
		Below float64 `msgpack:"below"`
	}
	const most = 1 << 40
	err := msgpack.Unmarshal(input, &fields)
	if err != nil || !(fields.Below >= 2 && fields.Below <= most) {
		return nil, badInput{fmt.Sprintf(`the input is {"below": a number from 2 to %d}`, most)}
	}
	below, count, step := int(fields.Below), 0, int(fields.Below)/100+1
	for n := 2; n < below; n++ {
		if n%step == 0 {
			progress(float64(n) / float64(below))
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if isPrime(n) {
			count++
		}
	}
	return count, nil
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}
