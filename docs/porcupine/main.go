// Checks a history that `bankctl stress --history FILE` wrote for linearizability, with Porcupine.
//
//	go mod init check && go get github.com/anishathalye/porcupine && go run . FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"math/big"
	"os"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// event is one line of a history.
type event struct {
	Type  string `json:"type"`
	F     string `json:"f"`
	Time  int64  `json:"time"`
	Model string `json:"model"`
	// A number, or "nemesis".
	Process any `json:"process"`
	Value   struct {
		ID, Account, Amount, Balance, From, To string
		FromBalance                            string `json:"from_balance"`
		ToBalance                              string `json:"to_balance"`
		Balances                               map[string]*string
		Accounts                               map[string]struct{ Balance string }
		IDs                                    []string
	} `json:"value"`
}

// asked is what a client wanted; told, what it was told. A balance that it was not told is "".
type asked struct{ f, account, from, to, amount string }
type told struct {
	balance, fromBalance, toBalance string
	balances                        map[string]string
}

// cents makes "12.34" comparable and summable. Amounts are decimals, never floats.
func cents(amount string) int64 {
	value, ok := new(big.Rat).SetString(amount)
	if !ok {
		log.Fatalf("no amount: %q", amount)
	}
	return new(big.Rat).Mul(value, big.NewRat(100, 1)).Num().Int64()
}

// state is what was added to the accounts, in cents. A model's states must not be changed in place.
type state map[string]int64

func (s state) with(account string, amount int64) state {
	next := make(state, len(s))
	for name, balance := range s {
		next[name] = balance
	}
	next[account] += amount
	return next
}

// bank is the model: what each operation does, and what a client may be told of it.
func bank(start map[string]int64) porcupine.Model {
	fits := func(s state, account, balance string) bool {
		return balance == "" || start[account]+s[account] == cents(balance)
	}
	return porcupine.Model{
		Partition: byAccount,
		Init:      func() any { return state{} },
		Step: func(before, input, output any) (bool, any) {
			s, in, out := before.(state), input.(asked), output.(told)
			switch in.f {
			case "increment":
				s = s.with(in.account, cents(in.amount))
				return fits(s, in.account, out.balance), s
			case "transfer":
				s = s.with(in.from, -cents(in.amount)).with(in.to, cents(in.amount))
				return fits(s, in.from, out.fromBalance) && fits(s, in.to, out.toBalance), s
			case "read":
				return fits(s, in.account, out.balance), s
			default: // A snapshot: all of it at one moment.
				for account, balance := range out.balances {
					if !fits(s, account, balance) {
						return false, s
					}
				}
				return true, s
			}
		},
		Equal: func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) },
	}
}

// byAccount parts a history whose operations are about one account each: what holds of every part
// holds of all of it, and the search is far shorter.
func byAccount(operations []porcupine.Operation) [][]porcupine.Operation {
	groups := map[string][]porcupine.Operation{}
	for _, operation := range operations {
		account := operation.Input.(asked).account
		if account == "" { // A transfer or a snapshot.
			return [][]porcupine.Operation{operations}
		}
		groups[account] = append(groups[account], operation)
	}
	var parts [][]porcupine.Operation
	for _, group := range groups {
		parts = append(parts, group)
	}
	return parts
}

// section turns the lines from one `init` to its `applied` into operations.
func section(lines []event) (map[string]int64, []porcupine.Operation) {
	start := map[string]int64{}
	for account, opened := range lines[0].Value.Accounts {
		start[account] = cents(opened.Balance)
	}
	last := lines[len(lines)-1]
	applied := map[string]bool{}
	for _, id := range last.Value.IDs {
		applied[id] = true
	}
	var operations []porcupine.Operation
	open := map[any]porcupine.Operation{}
	byID := map[string]int{} // An id that is repeated is one operation, from its first invoke on.
	for _, e := range lines[1 : len(lines)-1] {
		v := e.Value
		if e.Process == "nemesis" {
			continue
		}
		if e.Type == "invoke" {
			client := int(e.Process.(float64))
			in := asked{e.F, v.Account, v.From, v.To, v.Amount}
			open[e.Process] = porcupine.Operation{ClientId: client, Input: in, Call: e.Time}
			continue
		}
		operation := open[e.Process]
		out := told{v.Balance, v.FromBalance, v.ToBalance, map[string]string{}}
		for account, balance := range v.Balances {
			out.balances[account] = *balance
		}
		operation.Output, operation.Return = out, e.Time
		if e.Type == "info" { // It may take effect at any time, if it did.
			operation.Return = math.MaxInt64
		}
		known, repeated := byID[v.ID]
		switch {
		case e.Type == "fail", e.Type == "info" && !applied[v.ID]:
			// It had no effect: there is nothing to place.
		case v.ID == "" || !repeated:
			byID[v.ID] = len(operations)
			operations = append(operations, operation)
		case e.Type == "ok" && operations[known].Return == math.MaxInt64:
			operations[known].Output, operations[known].Return = out, e.Time
		}
	}
	// Without a journal there are balances instead: what a reader sees when all is quiet.
	for account, balance := range last.Value.Balances {
		if _, ours := start[account]; ours && balance != nil {
			operations = append(operations, porcupine.Operation{
				Input: asked{f: "read", account: account}, Call: last.Time,
				Output: told{balance: *balance}, Return: last.Time + 1,
			})
		}
	}
	return start, operations
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 64<<20)
	var lines []event
	for scanner.Scan() {
		var e event
		if err := json.NewDecoder(strings.NewReader(scanner.Text())).Decode(&e); err != nil {
			log.Fatal(err)
		}
		lines = append(lines, e)
		if e.F != "applied" {
			continue
		}
		start, operations := section(lines)
		result := porcupine.CheckOperationsTimeout(bank(start), operations, time.Minute)
		fmt.Printf("%s: %d operations, linearizable: %s\n", lines[0].Model, len(operations), result)
		lines = nil
	}
}
