import com.sun.tools.javac.file.JavacFileManager;
import com.sun.tools.javac.parser.Scanner;
import com.sun.tools.javac.parser.ScannerFactory;
import com.sun.tools.javac.parser.Tokens.Token;
import com.sun.tools.javac.parser.Tokens.TokenKind;
import com.sun.tools.javac.util.Context;
import com.sun.tools.javac.util.JCDiagnostic;
import com.sun.tools.javac.util.Log;
import com.sun.tools.javac.util.Options;
import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Writes the tokens that javac's own scanner finds in each source of an archive, as numbers. */
public class JavacTokens {
    private static final Set<String> SEPARATORS =
            Set.of("(", ")", "{", "}", "[", "]", ";", ",", ".", "...", "@", "::");

    public static void main(String[] arguments) throws Exception {
        Context context = new Context();
        JavacFileManager.preRegister(context);
        Options.instance(context).put("--enable-preview", "false");
        Log log = Log.instance(context);
        ScannerFactory factory = ScannerFactory.instance(context);
        try (ZipFile archive = new ZipFile(arguments[0]);
                DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20))) {
            var entries = archive.entries();
            while (entries.hasMoreElements()) {
                ZipEntry entry = entries.nextElement();
                if (entry.getName().endsWith(".java")) {
                    byte[] bytes = archive.getInputStream(entry).readAllBytes();
                    write(entry.getName(), new String(bytes, StandardCharsets.UTF_8), factory, log, out);
                }
            }
        }
    }

    private static void write(String name, String text, ScannerFactory factory, Log log, DataOutputStream out)
            throws Exception {
        Log.DiagnosticHandler silence = new Log.DiscardDiagnosticHandler(log);
        Scanner scanner = factory.newScanner(text, false);
        out.writeUTF(name);
        for (scanner.nextToken(); scanner.token().kind != TokenKind.EOF; scanner.nextToken()) {
            Token token = scanner.token();
            out.writeInt(token.pos);
            out.writeInt(token.endPos);
            out.writeInt(kind(token.kind));
        }
        out.writeInt(-1);
        log.popDiagnosticHandler(silence);
    }

    /** Returns 0 for an error, else keyword 1, identifier 2, literal 3, operator 4, separator 5. */
    private static int kind(TokenKind kind) {
        switch (kind) {
            case ERROR:
                return 0;
            case IDENTIFIER:
                return 2;
            case INTLITERAL: case LONGLITERAL: case FLOATLITERAL: case DOUBLELITERAL: case CHARLITERAL:
            case STRINGLITERAL: case TRUE: case FALSE: case NULL:
                return 3;
            default:
                String name = kind.name;
                if (Character.isLetter(name.charAt(0)) || name.equals("_")) {
                    return 1;
                }
                return SEPARATORS.contains(name) ? 5 : 4;
        }
    }
}
